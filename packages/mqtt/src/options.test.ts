import type { Capabilities, Endpoint, Refusal } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import { capabilitiesOf } from './capabilities.ts'
import { createClient } from './connection/client.ts'
import { KeepAliveTimer } from './connection/keep-alive-timer.ts'
import { optionsFromUrl, resolveOptions, type MqttOptions } from './options.ts'
import { resolveRouteOptions } from './route-options.ts'
import { manualTime } from './test-support/manual-time.ts'
import { endpoint } from './test-support/messages.ts'

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
  [{ url: 'mqtt://localhost', protocolVersion: 4, password: 'p' }, /no password without a user/],
  [{ url: 'mqtt://:p@localhost', protocolVersion: 4 }, /no password without a user/],
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

it('takes a password alone with MQTT 5', () => {
  expect(resolveOptions({ url: 'mqtt://localhost', password: 'p' }).addresses).toMatchObject([{ username: undefined, password: 'p' }])
})

it.each([
  ['mqtt://[::1]', '::1'],
  ['ws://[::1]', '[::1]'],
  ['ws://127.0.0.1', '127.0.0.1'],
])('gives the client library the host of %s as it wants it', (url, host) => {
  const options = resolveOptions({ url })
  const [address] = options.addresses
  if (address === undefined) throw new Error('no address')
  const client = createClient(address, { clientId: 'c', persistent: false }, options, new KeepAliveTimer(manualTime().clock))
  expect(client.options.host).toBe(host)
})

it.each([
  [5, { kind: 'topic', options: { qos: 0, mandatory: true } }, /'mandatory' needs quality 1 or 2/],
  [5, { deadLettersOf: endpoint(), options: { members: 'many' } }, /'members' of a place for dead letters/],
  [5, { deadLettersOf: endpoint(), options: { members: 2 } }, /'members' of a place for dead letters/],
  [4, { deadLettersOf: endpoint(), options: { envelope: false } }, /'envelope' of a place for dead letters/],
  [5, { kind: 'topic', options: { redelivery: 'republish' } }, /'redelivery' has a meaning for queues only, since a copy would reach all other subscriptions/],
  [5, { kind: 'topic', subscription: { name: 's' }, options: { redelivery: 'in-process' } }, /'redelivery' has a meaning for queues only/],
  [5, { options: { redelivery: 'broker' } }, /'redelivery' must be 'in-process' or 'republish'/],
  [5, { options: { redelivery: 'republish', qos: 0 } }, /'redelivery' needs quality 1 or 2/],
  [4, { options: { redelivery: 'republish' } }, /'redelivery' needs envelope: true with MQTT 3.1.1/],
] as const)('with MQTT %s refuses the route %j with a reason', (protocolVersion, parts, reason) => {
  expect(() => resolveRouteOptions(endpoint(parts), resolveOptions({ url: 'mqtt://localhost', protocolVersion }))).toThrow(reason)
})

it('takes for a place for dead letters what it has anyway', () => {
  const driver = resolveOptions({ url: 'mqtt://localhost', protocolVersion: 4 })
  expect(resolveRouteOptions(endpoint({ deadLettersOf: endpoint(), options: { members: 1, envelope: true } }), driver)).toMatchObject({
    members: 1,
    envelope: true,
  })
})

function claimed(parts: Partial<Endpoint>, protocolVersion: 5 | 4 = 5): Capabilities | Refusal {
  const driver = resolveOptions({ url: 'mqtt://localhost', protocolVersion })
  return capabilitiesOf(endpoint(parts), driver, resolveRouteOptions(endpoint(parts), driver))
}

it('gives messages back at once where they are published again, and promises no order there, with one member neither', () => {
  const republished = { redelivery: { immediate: true, delayed: false, onReconnect: true }, ordering: 'none', keyHold: false }
  expect(claimed({ options: { redelivery: 'republish' } })).toMatchObject({ ...republished, competingConsumers: true })
  expect(claimed({ options: { redelivery: 'republish', members: 1 } })).toMatchObject({ ...republished, competingConsumers: false })
  expect(claimed({ options: { redelivery: 'republish', members: 1, envelope: true } }, 4)).toMatchObject(republished)
  expect(claimed({ options: { members: 1 } })).toMatchObject({ redelivery: { immediate: false }, ordering: 'destination', keyHold: 'process' })
})

it('refuses to publish again what needs its order, with the remedy', () => {
  expect(claimed({ keyed: true, options: { redelivery: 'republish', members: 1 } })).toMatchObject({
    refused: expect.stringContaining('order per key') as string,
    remedy: expect.stringContaining("remove redelivery: 'republish'") as string,
  })
})
