import { createBroker, queue } from '@busbar/core'
import type { Endpoint } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import { amqp } from './index.ts'

const driver = amqp({ url: 'amqp://localhost' })

function endpoint(more: Partial<Endpoint> = {}): Endpoint {
  return { destination: 'orders', kind: 'queue', name: 'orders', keyed: false, maxAttempts: 3, deadLetterName: 'orders.dead', options: {}, ...more }
}

it('says what a queue with and without keys can do', () => {
  expect(driver.capabilities(endpoint())).toMatchObject({
    kind: 'queue',
    ordering: 'none',
    keyHold: false,
    lease: { kind: 'scope', maxHoldMs: 1_620_000 },
    timeToLive: false,
    releaseCounts: true,
  })
  expect(driver.capabilities(endpoint({ keyed: true }))).toMatchObject({ ordering: 'key', keyHold: 'process', redelivery: { delayed: { keepsOrder: false } } })
  const { deadLetterName: _dead, ...dropping } = endpoint()
  expect(driver.capabilities(dropping)).toMatchObject({ timeToLive: { maxMs: 2 ** 32 - 1 } })
})

it('has no delay for a topic whose routing key matters, nor for names that do not fit', () => {
  expect(driver.capabilities(endpoint({ kind: 'topic' }))).toMatchObject({ delay: { resolutionMs: 500 } })
  expect(driver.capabilities(endpoint({ kind: 'topic', keyed: true }))).toMatchObject({ delay: false })
  expect(driver.capabilities(endpoint({ kind: 'topic', options: { exchangeType: 'direct' } }))).toMatchObject({ delay: false, headerFilter: 'none' })
  expect(driver.capabilities(endpoint({ name: 'q'.repeat(200) }))).toMatchObject({ delay: false, redelivery: { delayed: false } })
})

it.each([
  [{ kind: 'stream' }, /no streams/],
  [{ name: 'amq.mine' }, /amq\./],
  [{ name: 'busbar.delay.03' }, /busbar\. belong to what all programs/],
  [{ kind: 'topic', name: 'busbar.news' }, /busbar\. belong/],
  [{ name: 'q'.repeat(256) }, /255 bytes/],
  [{ name: 'q'.repeat(250), keyed: true }, /255 bytes/],
  [{ options: { partition: 4 } }, /unknown option 'partition'; did you mean 'partitions'/],
  [{ keyed: true, options: { queueType: 'classic' } }, /cannot keep the order/],
  [{ options: { deliveryLimit: 29 } }, /below 10 times/],
  [{ options: { deliveryLimit: -1 } }, /'deliveryLimit' must be/],
  [{ options: { deliveryLimit: 100 }, maxAttempts: 0, deadLetterName: undefined }, /lets RabbitMQ give messages up, and the route says nativeLimit: false/],
  [{ options: { maxPriority: 5 } }, /needs queueType: 'classic'/],
  [{ options: { maxPriority: 0, queueType: 'classic' } }, /'maxPriority' must be a whole number from 1 to 255/],
  [{ options: { queueType: 'classic', deliveryLimit: 100 } }, /'deliveryLimit' needs queueType: 'quorum'/],
  [{ kind: 'topic', keyed: true, options: { exchangeType: 'fanout' } }, /must be 'headers'/],
  [{ options: { partitions: 4 } }, /'partitions' has a meaning for destinations with ordering keys only; give/],
  [{ kind: 'topic', options: { partitions: 4 } }, /'partitions' has a meaning for destinations with ordering keys only/],
  [{ keyed: true, options: { partitions: 2.5 } }, /'partitions' must be a whole number from 1 to 256/],
  [{ keyed: true, options: { partitions: 257 } }, /'partitions' must be a whole number/],
  [{ options: { mandatory: true } }, /'mandatory' has a meaning for topics only, since queues always refuse/],
  [{ options: { mandatory: false } }, /'mandatory' has a meaning for topics only/],
  [{ kind: 'topic', options: { mandatory: 'yes' } }, /'mandatory' must be true or false/],
  [{ options: { exchangeType: 'headers' } }, /'exchangeType' has a meaning for topics only/],
  [{ options: { routingKey: 'k' } }, /'routingKey' has a meaning for topics only/],
  [{ options: { bindingKeys: ['k'] } }, /'bindingKeys' has a meaning for topics only/],
  [{ kind: 'topic', options: { routingKey: 'k' } }, /'routingKey' has a meaning on exchanges that route by key only; set exchangeType/],
  [{ kind: 'topic', options: { bindingKeys: ['k'], exchangeType: 'fanout' } }, /'bindingKeys' has a meaning on exchanges that route by key only/],
] as const)('refuses %j', (more, reason) => {
  expect(driver.capabilities(endpoint(more as Partial<Endpoint>))).toMatchObject({ refused: expect.stringMatching(reason), remedy: expect.any(String) })
})

it.each([
  { kind: 'topic', options: { exchangeType: 'topic', routingKey: 'a.b', bindingKeys: ['a.*'], mandatory: true } },
  { kind: 'topic', options: { exchangeType: 'direct', routingKey: 'a', bindingKeys: ['a', 'b'], queueType: 'classic', maxPriority: 3 } },
  { kind: 'topic', keyed: true, options: { exchangeType: 'headers', partitions: 256, deliveryLimit: 100, queueType: 'quorum' } },
  { options: { queueType: 'classic', maxPriority: undefined, mandatory: undefined } },
] as const)('takes %j', (more) => {
  const topic = endpoint(more)
  expect(driver.capabilities(topic)).not.toHaveProperty('refused')
  // A subscription has the route of its topic.
  if (topic.kind === 'topic') expect(driver.capabilities({ ...topic, subscription: { name: 'audit' } })).not.toHaveProperty('refused')
})

it('tells endpoints apart by what they are at the broker', () => {
  expect(driver.address(endpoint())).toBe('queue orders')
  expect(driver.address(endpoint({ kind: 'topic' }))).toBe('exchange orders')
  expect(driver.address(endpoint({ kind: 'topic', subscription: { name: 'audit' } }))).toBe('queue orders.audit')
})

it('asks for room for the round trips of a quorum queue, but for partitions, which are handed over when theirs is handled', () => {
  expect([driver.leastInFlight?.(endpoint()), driver.leastInFlight?.(endpoint({ keyed: true }))]).toEqual([200, 0])
})

it('takes the names of partitions, of their records and of filters too', () => {
  expect(driver.reserves?.(endpoint())).toEqual([])
  expect(driver.reserves?.(endpoint({ kind: 'topic', keyed: true }))).toEqual([])
  expect(driver.reserves?.(endpoint({ keyed: true, options: { partitions: 2 } }))).toEqual([
    'queue orders.p0',
    'queue orders.p1',
    'queue orders.p2',
    'queue orders.members',
    'exchange orders.partitions',
  ])
  const subscription = { kind: 'topic', subscription: { name: 'audit', headerFilter: { tier: ['gold'] } } } as const
  expect(driver.reserves?.(endpoint(subscription))).toEqual([
    expect.stringMatching(/^exchange orders\.audit\.via-[0-9a-f]{12}$/),
    'exchange orders.audit.filter',
  ])
  expect(driver.reserves?.(endpoint({ ...subscription, options: { exchangeType: 'fanout' } }))).toEqual([])
  expect(driver.reserves?.(endpoint({ options: { partitions: -1, keyed: true } }))).toEqual([])
})

it.each(['orders.p0', 'orders.p2', 'orders.members'])('lets no queue be named %s beside partitions of orders', (name) => {
  const keyed = queue<string>('orders', { orderingKey: (body) => body })
  const route = { deadLetter: 'drop', options: { partitions: 2 } } as const
  expect(() => createBroker({ driver, destinations: [keyed, queue(name)], routes: { orders: route } })).toThrow(`queue ${name}`)
})

it('rejects natively only for sources that have a place for dead letters', () => {
  const { deadLetterName: _dead, ...dropping } = endpoint()
  expect(driver.capabilities(endpoint())).toMatchObject({ deadLetter: 'native' })
  expect(driver.capabilities(dropping)).toMatchObject({ deadLetter: 'emulated' })
  expect(driver.capabilities(endpoint({ kind: 'topic' }))).toMatchObject({ deadLetter: 'emulated' })
})

it('can be made from configuration alone', () => {
  expect(amqp.schemes).toEqual(['amqp', 'amqps'])
  expect(amqp.fromUrl(new URL('amqp://localhost/v')).name).toBe('amqp')
  expect(amqp.fromConfiguration({ url: 'amqp://localhost' }).name).toBe('amqp')
  expect(() => amqp.fromConfiguration({})).toThrow(/'url' is missing/)
  expect(() => amqp.fromConfiguration({ url: 'amqp://localhost', vhost: 'x' })).toThrow(/unknown option 'vhost'/)
})
