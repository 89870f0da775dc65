import { expect, it } from 'vitest'
import { optionsFromUrl, resolveOptions, type AmqpOptions } from './options.ts'

it('fills in the defaults', () => {
  expect(resolveOptions({ url: 'amqps://u:p%40ss@rabbit.example/v%2F1' })).toMatchObject({
    addresses: [
      { secure: true, host: 'rabbit.example', port: 5671, username: 'u', password: 'p@ss', vhost: 'v/1', label: 'amqps://rabbit.example:5671/v%2F1' },
    ],
    heartbeatMs: 10_000,
    timeoutMs: 10_000,
    reconnectMaxMs: 10_000,
    queueType: 'quorum',
    partitions: 8,
    delays: true,
    consumerTimeoutMs: 1_800_000,
    maxMessageBytes: 16_777_216,
  })
})

it.each([
  ['amqp://localhost', { host: 'localhost', port: 5672, username: 'guest', password: 'guest', vhost: '/' }],
  ['amqp://127.3.2.1:99/', { host: '127.3.2.1', port: 99, vhost: '/' }],
  ['amqp://[::1]/%2F', { host: '::1', vhost: '/' }],
  ['amqp://u@localhost/x', { username: 'u', password: '', vhost: 'x' }],
])('reads %s', (url, address) => {
  expect(resolveOptions({ url }).addresses).toMatchObject([address])
})

it('refuses clear text to other machines unless it is asked for', () => {
  expect(() => resolveOptions({ url: 'amqp://u:secret@10.0.0.1' })).toThrow(/clear text; use amqps/)
  expect(resolveOptions({ url: 'amqp://10.0.0.1', allowPlaintext: true }).addresses).toHaveLength(1)
})

it.each([
  [{ url: 'amqp://localhost', hartbeatMs: 5_000 }, /unknown option 'hartbeatMs'; did you mean 'heartbeatMs'/],
  [{ url: 'amqps://localhost', tls: { certificate: 'x' } }, /tls: unknown option 'certificate'/],
  [{ url: 'amqp://localhost', heartbeatMs: 10 }, /'heartbeatMs' must be a whole number from 1000 to 600000/],
  [{ url: 'amqp://localhost', heartbeatMs: 1_500 }, /'heartbeatMs' must be a multiple of 1000, because AMQP counts it in whole seconds/],
  [{ url: 'amqp://localhost', tls: { ca: 'x' } }, /'tls' has a meaning with amqps:\/\/ only/],
  [{ url: ['amqp://localhost', 'amqp://127.0.0.1'], tls: {} }, /'tls' has a meaning with amqps:\/\/ only/],
  [{ url: 'amqp://localhost', authentication: 'external' }, /'authentication' 'external' is a client certificate, and needs amqps/],
  [{ url: 'amqp://localhost', queueType: 'stream' }, /'queueType' must be 'quorum' or 'classic'/],
  [{ url: 'amqp://localhost', partitions: 0 }, /'partitions'/],
  [{ url: 'amqp://localhost', delays: 'yes' }, /'delays' must be true or false/],
  [{ url: [] }, /'url' needs/],
  [{ url: 'http://localhost' }, /scheme 'http'/],
  [{ url: 'amqp://localhost?heartbeat=5' }, /takes no parameters/],
  [{ url: 'amqp://u:%ZZ@localhost' }, /malformed percent/],
  [{ url: 'not a url' }, /is not a URL/],
])('refuses %j with a reason', (options, reason) => {
  expect(() => resolveOptions(options as unknown as AmqpOptions)).toThrow(
    expect.objectContaining({ code: 'ERR_CONFIGURATION', message: expect.stringMatching(reason) }),
  )
})

it('takes certificates when one of several addresses is secure', () => {
  const options = resolveOptions({ url: ['amqp://localhost', 'amqps://rabbit.example'], tls: { ca: 'x' }, authentication: 'external' })
  expect(options).toMatchObject({ tls: { ca: 'x' }, authentication: 'external' })
})

it('never repeats a password', () => {
  for (const url of [
    'http://u:top-secret@h',
    'amqp://u:top-secret@10.0.0.1',
    'amqp://u:top-secret%ZZ@localhost',
    'amqp://u:top-secret@localhost?x=1',
    'u:top-secret@',
  ]) {
    expect(() => resolveOptions({ url })).toThrow(expect.objectContaining({ message: expect.not.stringContaining('top-secret') }))
  }
})

it('reads options and further hosts from a URL', () => {
  const url = new URL('amqps://u:p@one.example:1/v?hosts=two.example:2,three.example&heartbeat=20&delays=false&queueType=classic&consumerTimeoutMs=false')
  expect(resolveOptions(optionsFromUrl(url))).toMatchObject({
    addresses: [
      { host: 'one.example', port: 1, username: 'u', vhost: 'v' },
      { host: 'two.example', port: 2, username: 'u', password: 'p', vhost: 'v' },
      { host: 'three.example', port: 5671, vhost: 'v' },
    ],
    heartbeatMs: 20_000,
    delays: false,
    queueType: 'classic',
    consumerTimeoutMs: false,
  })
})

it.each([
  ['amqp://localhost?hartbeat=1', /unknown parameter 'hartbeat'; did you mean 'heartbeat'/],
  ['amqp://localhost?delays=maybe', /'delays' must be true or false/],
  ['amqp://localhost?timeoutMs=soon', /'timeoutMs' must be/],
  ['amqp://localhost?hosts=127.0.0.1&hosts=127.0.0.2', /'hosts' is given twice/],
  ['amqp://localhost?partitions=4&partitions=16', /'partitions' is given twice/],
  ['amqp://localhost?heartbeat=4&heartbeatMs=5000', /'heartbeatMs' is given twice/],
  ['amqp://localhost?handOverMs=', /'handOverMs' must be/],
  ['amqp://localhost?heartbeat=', /'heartbeatMs' must be/],
  ['amqp://localhost?consumerTimeoutMs=', /'consumerTimeoutMs' must be/],
  ['amqp://localhost?hosts=127.0.0.1/other', /'hosts' needs hosts/],
  ['amqp://localhost?hosts=u@127.0.0.1', /'hosts' needs hosts/],
  ['amqp://localhost?hosts=127.0.0.1%3Fa=b', /'hosts' needs hosts/],
  ['amqp://localhost?hosts=127.0.0.1,', /'hosts' needs hosts/],
  ['amqp://localhost#v', /takes no parameters/],
])('refuses %s', (url, reason) => {
  expect(() => resolveOptions(optionsFromUrl(new URL(url)))).toThrow(reason)
})
