import { expect, it } from 'vitest'
import { sqs } from './sqs-driver.ts'
import { endpoint, FakeSqs } from './test-support/fake-sqs.ts'

const driver = sqs()

it('serves destinations with ordering keys by FIFO queues and all others by standard queues', () => {
  expect(driver.capabilities(endpoint())).toMatchObject({
    ordering: 'none',
    keyHold: false,
    delay: { maxMs: 900_000, resolutionMs: 1_000 },
    deduplication: false,
  })
  expect(driver.capabilities(endpoint({ keyed: true }))).toMatchObject({
    ordering: 'key',
    keyHold: 'broker',
    delay: false,
    deduplication: { windowMs: 300_000 },
    redelivery: { delayed: { maxMs: 43_200_000, keepsOrder: true } },
  })
  expect(driver.capabilities(endpoint({ options: { fifo: true } }))).toMatchObject({ ordering: 'key' })
  expect(driver.capabilities(endpoint({ name: 'orders.fifo' }))).toMatchObject({ ordering: 'key' })
  expect(driver.capabilities(endpoint({ keyed: true, options: { fifo: false } }))).toMatchObject({ ordering: 'none' })
})

it('asks for room for receives and deletes that are out, but on FIFO queues, where what is held keeps the rest of its group from everybody', () => {
  const least = [{}, { keyed: true }, { options: { fifo: true } }, { keyed: true, options: { fifo: false } }].map((parts) =>
    driver.leastInFlight?.(endpoint(parts)),
  )
  expect(least).toEqual([200, 0, 0, 200])
})

it('names one queue whatever else the route says', () => {
  const addresses = [{ keyed: true }, { keyed: true, options: { fifo: false } }, { options: { fifo: true } }, {}].map((parts) =>
    driver.address(endpoint(parts)),
  )
  expect(addresses).toEqual(['queue orders.fifo', 'queue orders', 'queue orders.fifo', 'queue orders'])
})

it('takes lease and size from its options', () => {
  expect(sqs({ visibilityTimeoutMs: 60_000, maxMessageBytes: 262_144 }).capabilities(endpoint())).toMatchObject({
    lease: { kind: 'message', ms: 60_000, maxMs: 43_200_000 },
    maxMessageBytes: 262_144,
    // A service with a lower limit for a message has it for a request, too.
    maxBatch: { bytes: 262_144 },
  })
  expect(driver.capabilities(endpoint({ options: { visibilityTimeoutMs: 5_000 } }))).toMatchObject({ lease: { ms: 5_000 } })
})

it("narrows the size by the queue's own limit", async () => {
  const fake = new FakeSqs()
  fake.on('GetQueueAttributes', () => ({ Attributes: { MaximumMessageSize: '1024' } }))
  expect(await (await fake.link()).inspect(endpoint(), new AbortController().signal)).toMatchObject({ maxMessageBytes: 1_024 })
})

it.each([
  [{ kind: 'topic' }, 'no topics'],
  [{ kind: 'stream' }, 'no streams'],
  [{ name: 'ünder' }, 'letters'],
  [{ name: 'o'.repeat(75), keyed: true, deadLetterName: `${'o'.repeat(75)}.dead` }, '1 to 80'],
  [{ options: { fiffo: true } }, "unknown option 'fiffo'; did you mean 'fifo'?"],
  [{ name: 'orders.fifo', options: { fifo: false } }, "option 'fifo'"],
  [{ options: { highThroughput: true } }, 'FIFO queues'],
  [{ keyed: true, options: { tenantHeader: 'tenant' } }, 'standard queues'],
  [{ options: { visibilityTimeoutMs: 1_001 } }, 'multiple of 1,000'],
  [{ options: { retentionMs: 1_000 } }, "'retentionMs'"],
  [{ options: { encryption: 'rot13' } }, "'encryption'"],
  [{ options: { encryption: {} } }, 'kmsKeyId'],
  [{ options: { policy: [{ Effect: 'Allow' }] } }, 'Sid'],
  [{ deadLetterName: 'orders.dead', maxAttempts: 5, options: { maxReceiveCount: 49 } }, 'at least 50'],
  [{ deadLetterName: 'orders.dead', maxAttempts: 101 }, 'SQS takes 1000'],
] as const)('refuses %j, with a remedy', (parts, text) => {
  expect(driver.capabilities(endpoint(parts))).toMatchObject({ refused: expect.stringContaining(text), remedy: expect.stringMatching(/.{10}/) })
})

it('tells the counts of the service as approximate', async () => {
  const fake = new FakeSqs()
  fake.on('GetQueueAttributes', () => ({
    Attributes: { ApproximateNumberOfMessages: '7', ApproximateNumberOfMessagesNotVisible: '2', ApproximateNumberOfMessagesDelayed: '1' },
  }))
  expect(await (await fake.link()).stats?.(endpoint(), new AbortController().signal)).toEqual({ ready: 7, inFlight: 2, delayed: 1, oldestAgeMs: undefined })
})
