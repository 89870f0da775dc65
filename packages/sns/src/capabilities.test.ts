import { expect, it } from 'vitest'
import { sns } from './sns-driver.ts'
import { endpoint, subscribed } from './test-support/endpoint.ts'

const driver = sns({ region: 'eu-central-1' })

it('sends to topics, and receives from nothing but subscriptions', () => {
  expect(driver.capabilities(endpoint())).toMatchObject({
    kind: 'topic',
    settlement: false,
    lease: false,
    delay: false,
    ordering: 'none',
    deduplication: false,
    maxMessageBytes: 262_144,
    maxBatch: { messages: 10, bytes: 262_144 },
  })
  expect(driver.capabilities(subscribed())).toMatchObject({
    subscriptions: 'durable',
    lease: { ms: 30_000 },
    filter: 'native',
    headerFilter: 'native',
    redrive: 'copy',
    deadLetter: 'emulated',
    requestReply: false,
  })
})

it('asks for as much room as a queue does that is received from by itself', () => {
  expect([subscribed(), subscribed({ keyed: true })].map((subscription) => driver.leastInFlight?.(subscription))).toEqual([200, 0])
})

it('serves ordering keys by FIFO topics and FIFO queues', () => {
  expect(driver.capabilities(endpoint({ keyed: true }))).toMatchObject({ ordering: 'key', deduplication: { windowMs: 300_000 } })
  expect(driver.capabilities(subscribed({ keyed: true }))).toMatchObject({ ordering: 'key', keyHold: 'broker' })
  expect(driver.capabilities(endpoint({ name: 'order-placed.fifo' }))).toMatchObject({ ordering: 'key' })
})

it('has no order in a standard queue that is subscribed to a FIFO topic', () => {
  const options = { subscriptions: { billing: { fifo: false } } }
  expect(driver.capabilities(subscribed({ keyed: true, options }))).toMatchObject({ ordering: 'none', keyHold: false, deduplication: false })
  expect(driver.capabilities(subscribed({ keyed: true, options, subscription: { name: 'audit' } }))).toMatchObject({ ordering: 'key' })
})

it('filters by one scope: of two filters that on headers is native', () => {
  const subscription = { name: 'billing', filter: { total: [1] }, headerFilter: { tenant: ['acme'] } }
  expect(driver.capabilities(subscribed({ subscription }))).toMatchObject({ filter: 'none', headerFilter: 'native' })
})

it('leaves filters by quotes and backslashes in headers to emulation', () => {
  for (const value of ['say "hi"', 'a\\b'])
    expect(driver.capabilities(subscribed({ subscription: { name: 'billing', headerFilter: { tenant: [value] } } }))).toMatchObject({ headerFilter: 'none' })
  const subscription = { name: 'billing', filter: { total: [1] }, headerFilter: { tenant: ['"'] } }
  expect(driver.capabilities(subscribed({ subscription }))).toMatchObject({ filter: 'native', headerFilter: 'none' })
})

it('takes the size of messages from the route, whatever the size of the queue', () => {
  expect(driver.capabilities(endpoint({ options: { maxMessageBytes: 1_048_576 } }))).toMatchObject({
    maxMessageBytes: 1_048_576,
    maxBatch: { bytes: 1_048_576 },
  })
})

it('names topics and the queues of subscriptions', () => {
  expect(driver.address(endpoint())).toBe('topic order-placed')
  expect(driver.address(endpoint({ keyed: true }))).toBe('topic order-placed.fifo')
  expect(driver.address(subscribed())).toBe('queue order-placed-billing')
  expect(driver.address(subscribed({ keyed: true }))).toBe('queue order-placed-billing.fifo')
  expect(driver.address(subscribed({ options: { subscriptions: { billing: { queue: 'bills' } } } }))).toBe('queue bills')
  expect(driver.address(subscribed({ options: { fiffo: true } }))).toBe('topic order-placed, subscription billing')
})

it('takes topics with names that are too long for the queue of any subscription', () => {
  const name = 'x'.repeat(200)
  expect(driver.capabilities(endpoint({ name }))).toMatchObject({ kind: 'topic' })
  expect(driver.capabilities(subscribed({ name }))).toMatchObject({ refused: expect.stringContaining('1 to 80') })
  // The queue for what cannot be delivered has the longest name.
  expect(driver.capabilities(subscribed({ name: 'x'.repeat(65) }))).toMatchObject({ refused: expect.stringContaining('1 to 80') })
})

it.each([
  [{ kind: 'queue' }, 'no queues', 'sqs'],
  [{ kind: 'queue', options: { retentionMs: 60_000 } }, 'no queues', 'sqs'],
  [{ kind: 'stream' }, 'no streams', 'kinesis'],
  [{ name: 'ünder' }, 'letters', 'name'],
  [{ name: 'arn:aws:sns:us-east-1:123456789012:order-placed' }, 'us-east-1', 'name'],
  [{ options: { fiffo: true } }, "did you mean 'fifo'?", 'options'],
  [{ name: 'order-placed.fifo', options: { fifo: false } }, 'FIFO topic', 'options'],
  [{ options: { highThroughput: true } }, 'FIFO topics', 'options'],
  [{ keyed: true, options: { tenantHeader: 'tenant' } }, 'standard topics', 'options'],
  [{ options: { maxMessageBytes: 1_048_577 } }, 'maxMessageBytes', 'options'],
  [{ options: { filterHeaders: Array.from({ length: 8 }, (_, index) => `h${index}`) } }, 'at most 7', 'options'],
  [{ options: { subscriptions: { billing: { quue: 'x' } } } }, "did you mean 'queue'?", 'options'],
  [{ options: { subscriptions: { billing: { fifo: true } } } }, 'standard topic', 'options'],
  [{ options: { subscriptions: { billing: { raw: 'no' } } } }, 'true or false', 'options'],
  [{ options: { subscriptions: { billing: { undelivered: false, maxReceiveCount: 5 } } } }, 'undelivered is false', 'options'],
  [{ keyed: true, options: { subscriptions: { billing: { fifo: false, maxReceiveCount: 100 } } } }, 'same type', 'options'],
  [{ options: { subscriptions: { billing: { encryption: { kmsKeyId: 'alias/aws/sqs' } } } } }, 'key of your own', 'options'],
  [{ subscription: { name: 'billing' }, options: { subscriptions: { billing: { retentionMs: 1 } } } }, 'retentionMs', 'options'],
  [{ subscription: { name: 'billing' }, maxAttempts: 10, options: { subscriptions: { billing: { maxReceiveCount: 5 } } } }, 'at least 100', 'options'],
] as const)('refuses %j, with a remedy', (parts, text, remedy) => {
  expect(driver.capabilities(endpoint(parts))).toMatchObject({ refused: expect.stringContaining(text), remedy: expect.stringContaining(remedy) })
})

it('lets SQS give up nothing where the route says that all is kept', () => {
  const options = { subscriptions: { billing: { maxReceiveCount: 200 } } }
  expect(driver.capabilities(subscribed({ options, maxAttempts: 10 }))).not.toHaveProperty('refused')
  expect(driver.capabilities(subscribed({ options, maxAttempts: 0 }))).toMatchObject({
    refused: expect.stringMatching(/billing\.maxReceiveCount.*nativeLimit: false/),
  })
  expect(driver.capabilities(subscribed({ options, maxAttempts: 0, subscription: { name: 'audit' } }))).not.toHaveProperty('refused')
})
