import type { Delivery, Outcome } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import { FakeSqs, messages, serviceError } from './test-support/fake-sqs.ts'
import { settled } from './test-support/manual-clock.ts'
import { receiving, scripted } from './test-support/receiving.ts'

it('settles and extends in the way of its queue', async () => {
  const fake = scripted(new FakeSqs(), messages('a', 'b', 'c', 'd'))
  const { intake, receiver } = await receiving(fake, { keyed: true })
  const [a, b, c, d] = intake.delivered as [Delivery, Delivery, Delivery, Delivery]
  const outcomes: Outcome[] = [
    { delivery: c, action: 'release' },
    { delivery: a, action: 'ack' },
    { delivery: b, action: 'retry', delayMs: 1_500, attempt: 1 },
    { delivery: d, action: 'discard' },
  ]
  expect(await receiver.settle(outcomes)).toMatchObject(['durable', 'durable', 'durable', { error: { code: 'ERR_UNSUPPORTED' } }])
  const changed = fake.named('ChangeMessageVisibilityBatch').map(({ input }) => input['Entries'])
  // The failed message first, then what is behind it.
  expect(changed).toEqual([[{ Id: '0', ReceiptHandle: 'receipt-b', VisibilityTimeout: 2 }], [{ Id: '0', ReceiptHandle: 'receipt-c', VisibilityTimeout: 0 }]])
  expect(fake.named('DeleteMessageBatch')[0]?.input['Entries']).toEqual([{ Id: '0', ReceiptHandle: 'receipt-a' }])
  expect(
    await receiver.settle([
      { delivery: b, action: 'ack' },
      { delivery: a, action: 'ack' },
    ]),
  ).toEqual(['too-late', 'durable'])
  await fake.clock.advance(10_000)
  expect(await receiver.extend?.([d], 30_000)).toEqual(['durable'])
  expect(d.leaseUntil).toBe(40_000)
})

it('takes an ack for too late on a FIFO queue when the lease has ended, without a call, and tries it on a standard one', async () => {
  const answers: unknown[] = []
  for (const keyed of [true, false]) {
    const fake = scripted(new FakeSqs(), messages('a'))
    const { intake, receiver } = await receiving(fake, { keyed })
    const [a] = intake.delivered as [Delivery]
    await fake.clock.advance(30_001)
    answers.push(...(await receiver.settle([{ delivery: a, action: 'ack' }])), fake.named('DeleteMessageBatch').length)
  }
  expect(answers).toEqual(['too-late', 0, 'durable', 1])
})

it.each([
  ['release', 0],
  ['retry', 3_600],
] as const)('changes the visibility of a message by one call at a time, so that an extension cannot arrive after a %s and undo it', async (action, seconds) => {
  const fake = scripted(new FakeSqs(), messages('a'))
  const arrived: number[] = []
  const answers: (() => void)[] = []
  // The first call is slow on its way, and comes after all that are made meanwhile.
  fake.on('ChangeMessageVisibilityBatch', async ({ Entries }) => {
    if (answers.length === 0) await new Promise<void>((resolve) => answers.push(resolve))
    const [entry] = Entries as unknown as readonly { readonly VisibilityTimeout: number }[]
    arrived.push(Number(entry?.VisibilityTimeout))
    return {}
  })
  const { intake, receiver } = await receiving(fake)
  const [a] = intake.delivered as [Delivery]
  const extending = receiver.extend?.([a], 30_000)
  await settled()
  const settling = receiver.settle([action === 'retry' ? { delivery: a, action, delayMs: 3_600_000, attempt: 1 } : { delivery: a, action }])
  await settled()
  answers[0]?.()
  expect([await extending, await settling]).toEqual([['durable'], ['durable']])
  expect(arrived).toEqual([30, seconds])
})

it('extends nothing that is being given back', async () => {
  const fake = scripted(new FakeSqs(), messages('a'))
  const { intake, receiver } = await receiving(fake)
  const [a] = intake.delivered as [Delivery]
  const settling = receiver.settle([{ delivery: a, action: 'release' }])
  const extending = receiver.extend?.([a], 30_000)
  expect([await settling, await extending]).toEqual([['durable'], ['too-late']])
  expect(fake.named('ChangeMessageVisibilityBatch')).toHaveLength(1)
})

it('answers too-late for receipts that are dead, by the three names that servers have for it', async () => {
  const fake = scripted(new FakeSqs(), messages('a', 'b', 'c'))
  fake.on('ChangeMessageVisibilityBatch', () => ({
    Failed: [
      {
        Id: '0',
        Code: 'InvalidParameterValue',
        SenderFault: true,
        Message: 'Reason: Message does not exist or is not available for visibility timeout change.',
      },
      { Id: '1', Code: 'MessageNotInflight', SenderFault: true },
      { Id: '2', Code: 'ReceiptHandleIsInvalid', SenderFault: true },
    ],
  }))
  const { intake, receiver } = await receiving(fake)
  expect(await receiver.extend?.(intake.delivered, 30_000)).toEqual(['too-late', 'too-late', 'too-late'])
})

it('never changes the visibility of a message whose lease has ended: on a standard queue that would reach its next receiver', async () => {
  const fake = scripted(new FakeSqs(), messages('a', 'b'))
  const { intake, receiver } = await receiving(fake)
  const [a, b] = intake.delivered as [Delivery, Delivery]
  await fake.clock.advance(31_000)
  expect(
    await receiver.settle([
      { delivery: a, action: 'release' },
      { delivery: b, action: 'retry', delayMs: 0, attempt: 1 },
    ]),
  ).toEqual(['too-late', 'too-late'])
  expect(await receiver.extend?.([a], 30_000)).toEqual(['too-late'])
  expect(fake.named('ChangeMessageVisibilityBatch')).toHaveLength(0)
  // A late ack is worth trying there: it works unless the message has come again.
  expect(await receiver.settle([{ delivery: a, action: 'ack' }])).toEqual(['durable'])
})

it('gives the receipt of a redelivery to the newer delivery alone', async () => {
  const fake = new FakeSqs()
  fake.on('ReceiveMessage', (_, signal) => fake.after(100, messages('a'), signal))
  const { intake, receiver } = await receiving(fake, { window: { messages: 10, bytes: 1e9 } })
  await fake.clock.advance(200)
  const [older, newer] = intake.delivered as [Delivery, Delivery]
  expect(
    await receiver.settle([
      { delivery: older, action: 'ack' },
      { delivery: newer, action: 'ack' },
    ]),
  ).toEqual(['too-late', 'durable'])
  expect(fake.named('DeleteMessageBatch')).toHaveLength(1)
})

it('extends nothing past the twelve hours that SQS hides a message', async () => {
  const fake = scripted(new FakeSqs(), messages('a'))
  const { intake, receiver } = await receiving(fake, { options: { visibilityTimeoutMs: 36_000_000 } })
  await fake.clock.advance(35_000_000)
  const [a] = intake.delivered as [Delivery]
  expect(await receiver.extend?.([a], 8_200_000)).toEqual(['durable'])
  expect(await receiver.extend?.([a], 8_300_000)).toMatchObject([{ error: { code: 'ERR_INVALID' } }])
  expect(await receiver.settle([{ delivery: a, action: 'retry', delayMs: 43_200_000, attempt: 1 }])).toMatchObject([{ error: { code: 'ERR_INVALID' } }])
})

it('repeats nothing by itself: an error is an answer to every entry of its call', async () => {
  const fake = scripted(new FakeSqs(), messages('a', 'b'))
  fake.on('DeleteMessageBatch', () => {
    throw serviceError('InternalFailure', 'oops', 500)
  })
  const { intake, receiver } = await receiving(fake)
  const outcomes = intake.delivered.map((delivery) => ({ delivery, action: 'ack' as const }))
  expect(await receiver.settle(outcomes)).toMatchObject([{ error: { code: 'ERR_UNAVAILABLE', retryable: true } }, { error: { retryable: true } }])
  expect(fake.named('DeleteMessageBatch')).toHaveLength(1)
  fake.on('DeleteMessageBatch', () => ({}))
  expect(await receiver.settle(outcomes)).toEqual(['durable', 'durable'])
})
