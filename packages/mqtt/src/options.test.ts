import { expect, it } from 'vitest'
import { optionsFromUrl, resolveOptions, type MqttOptions } from './options.ts'

it('fills in the defaults', () => {
  expect(resolveOptions({ url: 'mqtts://u:p%40ss@broker.example' })).toMatchObject({
    addresses: [{ scheme: 'mqtts', secure: true, host: 'broker.example', port: 8_883, username: 'u', password: 'p@ss', label: 'mqtts://broker.example:8883' }],
    protocolVersion: 5,
    clientId: 'busbar',
    notesTopic: 'busbar',
    sessionExpirySeconds: 4_294_967_295,
    keepaliveMs: 15_000,
    timeoutMs: 10_000,
    reconnectMaxMs: 10_000,
    qos: 1,
    receiveMaximum: undefined,
    maxUnconfirmed: 1_000,
    maxPacketBytes: 268_435_455,
    sharedSubscriptions: true,
    members: 4,
  })
})

it.each([
  ['mqtt://localhost', { scheme: 'mqtt', host: 'localhost', port: 1_883, username: undefined, password: undefined }],
  ['mqtt://127.3.2.1:99/', { host: '127.3.2.1', port: 99 }],
  ['mqtt://[::1]', { host: '::1', port: 1_883 }],
  ['ws://localhost:8080/mqtt', { scheme: 'ws', secure: false, port: 8_080, path: '/mqtt' }],
  ['wss://broker.example', { scheme: 'wss', secure: true, port: 443, path: '/' }],
])('reads %s', (url, address) => {
  expect(resolveOptions({ url }).addresses).toMatchObject([address])
})

it('takes user and password for URLs that have none', () => {
  const { addresses } = resolveOptions({ url: ['mqtts://a', 'mqtts://x:y@b'], username: 'u', password: 'p' })
  expect(addresses.map(({ username, password }) => [username, password])).toEqual([
    ['u', 'p'],
    ['x', 'y'],
  ])
})

it('refuses clear text to other machines unless it is asked for', () => {
  for (const url of ['mqtt://u:secret@10.0.0.1', 'ws://u:secret@10.0.0.1']) {
    expect(() => resolveOptions({ url })).toThrow(/clear text; use mqtts/)
    expect(() => resolveOptions({ url })).not.toThrow(/secret/)
    expect(resolveOptions({ url, allowPlaintext: true }).addresses).toHaveLength(1)
  }
})

it.each([
  [{ url: 'mqtt://localhost', keepalive: 5_000 }, /unknown option 'keepalive'/],
  [{ url: 'mqtt://localhost', keepaliveMs: 10 }, /'keepaliveMs' must be a whole number from 1000 to 600000/],
  [{ url: 'mqtt://localhost', keepaliveMs: 1_500 }, /'keepaliveMs' must be a multiple of 1000/],
  [{ url: 'mqtt://localhost', tls: { ca: 'x' } }, /'tls' has a meaning with mqtts:\/\/ and wss:\/\/ only/],
  [{ url: 'mqtts://localhost', tls: { certificate: 'x' } }, /tls: unknown option 'certificate'/],
  [{ url: 'mqtt://localhost', protocolVersion: 3 }, /'protocolVersion' must be 5 or 4/],
  [{ url: 'mqtt://localhost', qos: 3 }, /'qos' must be 0 or 1 or 2/],
  [{ url: 'mqtt://localhost', clientId: 'a/b' }, /'clientId' must be a text of 1 to 40/],
  [{ url: 'mqtt://localhost', notesTopic: '#' }, /'notesTopic' must be a text/],
  [{ url: 'mqtt://localhost', protocolVersion: 4, sessionExpiryMs: 60_000 }, /'sessionExpiryMs' has a meaning with MQTT 5 only/],
  [{ url: 'mqtt://localhost', protocolVersion: 4, receiveMaximum: 5 }, /'receiveMaximum' has a meaning with MQTT 5 only/],
  [{ url: 'mqtt://localhost', protocolVersion: 4, members: 2 }, /'members' has a meaning with shared subscriptions only/],
  [{ url: 'mqtt://localhost/path' }, /has a path/],
  [{ url: 'mqtt://localhost?x=1' }, /takes no parameters/],
  [{ url: 'mqtt://u:%ZZ@localhost' }, /malformed percent/],
  [{ url: [] }, /'url' needs/],
  [{ url: 'amqp://localhost' }, /scheme 'amqp'/],
  [{ url: 'no url' }, /is not a URL/],
])('refuses %j with a reason', (options, reason) => {
  expect(() => resolveOptions(options as MqttOptions)).toThrow(reason)
})

it('reads options from a URL, and refuses unknown ones', () => {
  const url = new URL('mqtts://u:p@one:1?hosts=two,three:3&protocolVersion=4&clientId=billing&sharedSubscriptions=true&qos=2')
  expect(optionsFromUrl(url)).toEqual({
    url: ['mqtts://u:p@one:1', 'mqtts://u:p@two', 'mqtts://u:p@three:3'],
    protocolVersion: 4,
    clientId: 'billing',
    sharedSubscriptions: true,
    qos: 2,
  })
  expect(resolveOptions(optionsFromUrl(url)).addresses.map(({ label }) => label)).toEqual(['mqtts://one:1', 'mqtts://two:8883', 'mqtts://three:3'])
  expect(() => optionsFromUrl(new URL('mqtt://localhost?clientid=x'))).toThrow(/unknown parameter 'clientid'; did you mean 'clientId'/)
  expect(() => resolveOptions(optionsFromUrl(new URL('mqtt://localhost?qos=')))).toThrow(/'qos'/)
})
