import type { BrokerError, Delivery, Intake, Outcome, Receiver, Window } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import type { SqsOptions } from './options.ts'
import { endpoint, FakeSqs, messages, serviceError } from './test-support/fake-sqs.ts'
import { settled } from './test-support/manual-clock.ts'

class TestIntake implements Intake {
  readonly delivered: Delivery[] = []
  readonly failures: { readonly error: BrokerError; readonly fatal: boolean }[] = []
  recoveries = 0

  deliver(deliveries: readonly Delivery[]): void {
    this.delivered.push(...deliveries)
  }

  lost(): void {
    throw new Error('a receipt is lost when its lease ends')
  }

  revoke(): Promise<void> {
    return Promise.resolve()
  }

  failed(error: BrokerError, fatal: boolean): void {
    this.failures.push({ error, fatal })
  }

  recovered(): void {
    this.recoveries++
  }
}

const wide: Window = { messages: 1_000, bytes: 1_000_000_000 }

interface Bed {
  readonly fake: FakeSqs
  readonly intake: TestIntake
  readonly receiver: Receiver
}

async function receiving(
  fake: FakeSqs,
  { window = wide, keyed = false, options = {} }: { window?: Window; keyed?: boolean; options?: SqsOptions } = {},
): Promise<Bed> {
  const intake = new TestIntake()
  const { receiver } = await fake.link(options)
  if (receiver === false) throw new TypeError('a queue can be received from')
  const bed = { fake, intake, receiver: receiver(endpoint({ keyed }), intake, window) }
  await bed.receiver.start()
  await settled()
  return bed
}

let made = 0

/** Answers every receive in full after `ms`. */
function busy(fake: FakeSqs, ms = 10): FakeSqs {
  fake.on('ReceiveMessage', ({ MaxNumberOfMessages }, signal) =>
    fake.after(ms, messages(...Array.from({ length: Number(MaxNumberOfMessages) }, () => `m-${++made}`)), signal),
  )
  return fake
}

/** Answers the first receives as scripted, and then waits. */
function scripted(fake: FakeSqs, ...answers: readonly (object | Error)[]): FakeSqs {
  const left = [...answers]
  fake.on('ReceiveMessage', (input, signal) => {
    const answer = left.shift()
    if (answer instanceof Error) throw answer
    return answer ?? fake.after(Number(input['WaitTimeSeconds']) * 1_000, {}, signal)
  })
  return fake
}

function receives(fake: FakeSqs): number {
  return fake.named('ReceiveMessage').length
}

function sizes(fake: FakeSqs): number[] {
  return fake.named('ReceiveMessage').map(({ input }) => Number(input['MaxNumberOfMessages']))
}

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
