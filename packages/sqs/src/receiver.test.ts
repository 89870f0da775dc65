import type { Delivery } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import { FakeSqs, messages, serviceError } from './test-support/fake-sqs.ts'
import { settled } from './test-support/manual-clock.ts'
import { busy, receives, receiving, scripted, sizes } from './test-support/receiving.ts'

it('costs one call in 20 seconds while its queue is empty', async () => {
  const { fake } = await receiving(new FakeSqs())
  await fake.clock.advance(199_000)
  expect(receives(fake)).toBe(10)
})

it('asks for what it needs: all attributes of the message, those of the queue that are read, its own visibility timeout, a long poll', async () => {
  const { fake } = await receiving(new FakeSqs(), { keyed: true, options: { visibilityTimeoutMs: 45_000 } })
  expect(fake.named('ReceiveMessage')[0]?.input).toMatchObject({
    MaxNumberOfMessages: 10,
    VisibilityTimeout: 45,
    WaitTimeSeconds: 20,
    MessageAttributeNames: ['All'],
    MessageSystemAttributeNames: expect.arrayContaining(['ApproximateReceiveCount', 'SentTimestamp', 'MessageGroupId', 'DeadLetterQueueSourceArn']),
    ReceiveRequestAttemptId: expect.any(String),
  })
})

it('uses more pollers as long as receives come back full, up to the limit, and one again when they do not', async () => {
  const { fake, receiver } = await receiving(busy(new FakeSqs()), { options: { maxPollers: 4 } })
  await fake.clock.advance(60)
  const open = (): number => fake.named('ReceiveMessage').filter(({ atMs }) => atMs === fake.clock.monotonic()).length
  expect(open()).toBe(4)
  scripted(fake)
  receiver.resize({ messages: 100_000, bytes: 1e12 })
  await fake.clock.advance(41_000)
  const before = receives(fake)
  await fake.clock.advance(60_000)
  expect(receives(fake) - before).toBe(3)
})

it('does not ask without pause where every answer is empty and comes early', async () => {
  const fake = new FakeSqs()
  fake.on('ReceiveMessage', () => ({}))
  await receiving(fake)
  await fake.clock.advance(10_000)
  expect(receives(fake)).toBeGreaterThan(40)
  expect(receives(fake)).toBeLessThan(70)
})

it('asks for no more messages than there is room for, in all receives together', async () => {
  const { fake, intake, receiver } = await receiving(busy(new FakeSqs()), { window: { messages: 25, bytes: 1e12 } })
  await fake.clock.advance(1_000)
  expect(intake.delivered).toHaveLength(25)
  expect(sizes(fake)).toEqual([10, 10, 5])
  await receiver.settle(intake.delivered.slice(0, 10).map((delivery) => ({ delivery, action: 'ack' })))
  await fake.clock.advance(1_000)
  expect(intake.delivered).toHaveLength(35)
})

it('waits a moment for more room before it asks for a few messages, but not for ever', async () => {
  const { fake, intake, receiver } = await receiving(busy(new FakeSqs()), { window: { messages: 20, bytes: 1e12 } })
  await fake.clock.advance(100)
  await receiver.settle([{ delivery: intake.delivered[0] as Delivery, action: 'ack' }])
  await fake.clock.advance(20)
  expect(sizes(fake)).toEqual([10, 10])
  await fake.clock.advance(40)
  expect(sizes(fake)).toEqual([10, 10, 1])
})

it('asks for few messages of a window with few bytes as long as they might be large, and for more when they turn out to be small', async () => {
  const { fake } = await receiving(busy(new FakeSqs()), { window: { messages: 1_000, bytes: 2 * 1_048_576 } })
  await fake.clock.advance(2_000)
  expect(sizes(fake)[0]).toBe(2)
  expect(Math.max(...sizes(fake))).toBe(10)
})

it('finds room again when leases end that nobody settles any more', async () => {
  const { fake, intake } = await receiving(busy(new FakeSqs()), { window: { messages: 10, bytes: 1e12 } })
  await fake.clock.advance(29_000)
  expect(intake.delivered).toHaveLength(10)
  await fake.clock.advance(2_000)
  expect(intake.delivered).toHaveLength(20)
})

it('gives back what a smaller window has no room for, from the first one on', async () => {
  const fake = new FakeSqs()
  fake.on('ReceiveMessage', (_, signal) => fake.after(1_000, messages('a', 'b', 'c', 'd'), signal))
  const { intake, receiver } = await receiving(fake)
  receiver.resize({ messages: 2, bytes: 1e9 })
  await fake.clock.advance(1_000)
  expect(intake.delivered.map(({ sameAs }) => sameAs)).toEqual(['a', 'b'])
  expect(fake.named('ChangeMessageVisibilityBatch').map(({ input }) => input['Entries'])).toEqual([
    [
      { Id: '0', ReceiptHandle: 'receipt-c', VisibilityTimeout: 0 },
      { Id: '1', ReceiptHandle: 'receipt-d', VisibilityTimeout: 0 },
    ],
  ])
})

it('takes the lease to begin no later than the answer was sent', async () => {
  const fake = new FakeSqs()
  fake.on('ReceiveMessage', (_, signal) => fake.after(5_000, messages('a'), signal))
  const { intake } = await receiving(fake, { window: { messages: 1, bytes: 1e9 } })
  await fake.clock.advance(5_000)
  expect(intake.delivered[0]?.leaseUntil).toBe(34_000)
})

it('ends its receives at once when it is paused, and asks again when it is resumed', async () => {
  const { fake, receiver } = await receiving(new FakeSqs())
  await receiver.pause()
  expect(fake.named('ReceiveMessage').map(({ signal }) => signal.aborted)).toEqual([true])
  await fake.clock.advance(60_000)
  expect(receives(fake)).toBe(1)
  await receiver.resume()
  await settled()
  expect(receives(fake)).toBe(2)
})

it('gives back everything that it holds, in calls of ten, and receives no more', async () => {
  const { fake, receiver } = await receiving(busy(new FakeSqs()), { window: { messages: 25, bytes: 1e12 } })
  await fake.clock.advance(100)
  await receiver.pause()
  await receiver.handBack()
  // No receive was out that could have taken it.
  expect(fake.clock.monotonic()).toBe(100)
  const entries = fake
    .named('ChangeMessageVisibilityBatch')
    .map(({ input }) => input['Entries'] as unknown as readonly { readonly VisibilityTimeout: number }[])
  expect(entries.map(({ length }) => length)).toEqual([10, 10, 5])
  expect(entries.flat().every(({ VisibilityTimeout }) => VisibilityTimeout === 0)).toBe(true)
  const before = receives(fake)
  await receiver.resume()
  await fake.clock.advance(60_000)
  expect(receives(fake)).toBe(before)
})

it('gives nothing back while SQS may not have noticed yet that its receives were ended', async () => {
  const fake = scripted(new FakeSqs(), messages('a'))
  const { receiver } = await receiving(fake)
  await receiver.pause()
  const handedBack = receiver.handBack()
  await fake.clock.advance(249)
  expect(fake.named('ChangeMessageVisibilityBatch')).toHaveLength(0)
  await fake.clock.advance(1)
  await handedBack
  expect(fake.named('ChangeMessageVisibilityBatch')).toHaveLength(1)
})

it('tries again with growing pauses while receiving fails, probes with a short wait, and says when all is well', async () => {
  const fake = scripted(new FakeSqs(), serviceError('OverLimit'), serviceError('InternalFailure', 'oops', 500))
  const { intake } = await receiving(fake)
  await fake.clock.advance(300)
  expect(intake.failures.map(({ error, fatal }) => [error.code, fatal])).toEqual([
    ['ERR_THROTTLED', false],
    ['ERR_UNAVAILABLE', false],
  ])
  expect(fake.named('ReceiveMessage').map(({ input, atMs }) => [input['WaitTimeSeconds'], atMs])).toEqual([
    [20, 0],
    [1, 75],
    [1, 225],
  ])
  expect(intake.recoveries).toBe(0)
  await fake.clock.advance(1_000)
  expect(intake.recoveries).toBe(1)
})

it('gives up on a queue that stays away for a minute, asking for its URL each time', async () => {
  const fake = new FakeSqs()
  fake.on('ReceiveMessage', () => {
    throw serviceError('QueueDoesNotExist')
  })
  const { intake } = await receiving(fake)
  await fake.clock.advance(100_000)
  expect(intake.failures.at(-1)).toMatchObject({ fatal: true, error: { code: 'ERR_NOT_FOUND' } })
  expect(intake.failures.filter(({ fatal }) => fatal)).toHaveLength(1)
  expect(fake.named('GetQueueUrl').length).toBeGreaterThan(3)
})

it('does not give up at the first refusal after a long outage: the queue itself must stay away for a minute', async () => {
  const fake = new FakeSqs()
  let refusals = 0
  fake.on('ReceiveMessage', (input, signal) => {
    if (fake.clock.monotonic() < 70_000) throw serviceError('ServiceUnavailable', 'oops', 503)
    if (refusals++ === 0) throw serviceError('AccessDenied', 'not now', 403)
    return fake.after(Number(input['WaitTimeSeconds']) * 1_000, {}, signal)
  })
  const { intake } = await receiving(fake)
  await fake.clock.advance(120_000)
  expect(refusals).toBeGreaterThan(1)
  expect(intake.failures.some(({ error }) => error.code === 'ERR_ACCESS_DENIED')).toBe(true)
  expect(intake.failures.filter(({ fatal }) => fatal)).toEqual([])
  expect(intake.recoveries).toBe(1)
})

it.each(['CredentialsProviderError', 'TokenProviderError', 'ExpiredTokenException'])(
  'goes on trying while its credentials are away (%s), and says so',
  async (name) => {
    const fake = new FakeSqs()
    fake.on('ReceiveMessage', (input, signal) => {
      if (fake.clock.monotonic() < 200_000) throw serviceError(name, 'no credentials')
      return fake.after(Number(input['WaitTimeSeconds']) * 1_000, {}, signal)
    })
    const { intake } = await receiving(fake)
    await fake.clock.advance(230_000)
    expect(intake.failures.length).toBeGreaterThan(10)
    expect(intake.failures.filter(({ fatal }) => fatal)).toEqual([])
    expect(intake.recoveries).toBe(1)
  },
)

it('asks a FIFO queue again with the same attempt id when an answer was lost', async () => {
  const fake = scripted(new FakeSqs(), Object.assign(new Error('reset'), { code: 'ECONNRESET' }), messages('a'))
  await receiving(fake, { keyed: true })
  await fake.clock.advance(1_000)
  const [first, second, third] = fake.named('ReceiveMessage').map(({ input }) => String(input['ReceiveRequestAttemptId']))
  expect(second).toBe(first)
  expect(third).not.toBe(first)
})
