import type { Incoming, Replies } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import type { SqsOptions } from './options.ts'
import { FakeSqs, messages, outgoing, serviceError } from './test-support/fake-sqs.ts'
import { settled } from './test-support/manual-clock.ts'

async function linkReplies(fake: FakeSqs, options: SqsOptions = {}): Promise<Replies> {
  const { replies } = await fake.link(options)
  if (replies === undefined) throw new TypeError('SQS has replies')
  return replies
}

async function opened(fake: FakeSqs): Promise<{ readonly address: string; readonly replies: Incoming[]; readonly close: () => Promise<void> }> {
  const replies: Incoming[] = []
  const link = await fake.link()
  const address = await link.replies?.open((reply) => void replies.push(reply))
  return { address: address ?? '', replies, close: async () => link.replies?.close() }
}

it.each(['CreateQueue', 'GetQueueUrl'])('leaves nothing behind that receives, and no queue, when it is closed while it is opened (%s)', async (name) => {
  const fake = new FakeSqs()
  const replies = await linkReplies(fake)
  const answered = Promise.withResolvers<object>()
  fake.on(name, () => answered.promise)
  const opening = replies.open(() => undefined)
  await settled()
  const closing = replies.close()
  await settled()
  answered.resolve({ QueueUrl: 'https://sqs.eu-central-1.amazonaws.com/123456789012/replies' })
  await expect(opening).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  await closing
  await fake.clock.advance(60_000)
  expect(fake.named('DeleteQueue')).toHaveLength(1)
  expect(fake.named('ReceiveMessage').filter(({ signal }) => !signal.aborted)).toEqual([])
})

it('makes one queue for the replies of a process, and deletes it in the end', async () => {
  const fake = new FakeSqs()
  const { address, close } = await opened(fake)
  expect(address).toMatch(/^busbar-reply-[0-9a-f]{24}-\w+$/)
  expect(fake.named('CreateQueue').map(({ input }) => input)).toEqual([{ QueueName: address, Attributes: { MessageRetentionPeriod: '300' } }])
  await close()
  await close()
  expect(fake.named('DeleteQueue').map(({ input }) => String(input['QueueUrl']).split('/').at(-1))).toEqual([address])
})

it('pushes a reply once, although its deletion fails and it comes again', async () => {
  const fake = new FakeSqs()
  const answers = [messages('r-1', 'r-2'), messages('r-1')]
  fake.on('ReceiveMessage', (_, signal) => answers.shift() ?? fake.after(20_000, {}, signal))
  fake.on('DeleteMessageBatch', () => {
    throw serviceError('InternalFailure', 'oops', 500)
  })
  const { replies } = await opened(fake)
  await fake.clock.advance(1_000)
  expect(replies.map(({ body }) => body)).toEqual(['r-1', 'r-2'])
})

it('waits for a queue that was created and is not there yet', async () => {
  const fake = new FakeSqs()
  let looks = 0
  fake.on('GetQueueUrl', ({ QueueName }) => {
    if (++looks < 3) throw serviceError('QueueDoesNotExist')
    return { QueueUrl: `https://sqs.eu-central-1.amazonaws.com/123456789012/${String(QueueName)}` }
  })
  const opening = opened(fake)
  await fake.clock.advance(2_000)
  expect((await opening).address).not.toBe('')
})

it('makes its queue again when somebody has deleted it, and goes on receiving', async () => {
  const fake = new FakeSqs()
  let gone = false
  const created = new Set<unknown>()
  fake.on('CreateQueue', ({ QueueName }) => {
    gone = false
    created.add(QueueName)
  })
  const answers = [messages('r-1')]
  fake.on('ReceiveMessage', (_, signal) => {
    if (gone) throw serviceError('QueueDoesNotExist')
    return (fake.named('CreateQueue').length > 1 && answers.shift()) || fake.after(20_000, {}, signal)
  })
  const { address, replies, close } = await opened(fake)
  await fake.clock.advance(1_000)
  gone = true
  await fake.clock.advance(120_000)
  expect([...created]).toEqual([address])
  expect(replies.map(({ body }) => body)).toEqual(['r-1'])
  await close()
  await fake.clock.advance(120_000)
  expect(fake.named('CreateQueue')).toHaveLength(2)
})

it('deletes the queue again when nothing can be received from it: the next request makes another', async () => {
  const fake = new FakeSqs()
  fake.on('GetQueueUrl', () => {
    throw serviceError('AccessDenied', 'no', 403)
  })
  let deletes = 0
  fake.on('CreateQueue', ({ QueueName }) => ({ QueueUrl: `https://sqs.eu-central-1.amazonaws.com/123456789012/${String(QueueName)}` }))
  fake.on('DeleteQueue', () => void deletes++)
  const link = await fake.link()
  const deliver = (): void => undefined
  await expect(link.replies?.open(deliver)).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED' })
  expect(fake.named('CreateQueue')).toHaveLength(1)
  expect(deletes).toBe(1)
})

it.each(['https://evil.example.com/123456789012/busbar-reply-1', 'orders', 'busbar-reply-../x', ''])(
  'sends nothing to %s, which is no reply queue',
  async (address) => {
    const fake = new FakeSqs()
    expect(await (await fake.link()).replies?.send(address, outgoing())).toMatchObject({ ok: false, stored: 'no', error: { code: 'ERR_INVALID' } })
    expect(fake.calls).toEqual([])
  },
)

it('tells that a requester is gone', async () => {
  const fake = new FakeSqs()
  fake.on('GetQueueUrl', () => {
    throw serviceError('QueueDoesNotExist')
  })
  expect(await (await fake.link()).replies?.send('busbar-reply-1', outgoing())).toMatchObject({ ok: false, stored: 'no', error: { code: 'ERR_UNROUTABLE' } })
})

it('sends replies to one requester that are made together in calls of ten, and those that come meanwhile in the next one', async () => {
  const fake = new FakeSqs()
  fake.on('SendMessageBatch', async ({ Entries }, signal) => {
    const Successful = (Entries as unknown as readonly { readonly Id: string }[]).map(({ Id }) => ({ Id, MessageId: Id }))
    return fake.after(100, { Successful }, signal)
  })
  const replies = await linkReplies(fake)
  const all = Array.from({ length: 12 }, (_, index) => replies.send('busbar-reply-1', outgoing({ id: `r-${index}` })))
  all.push(replies.send('busbar-reply-2', outgoing({ id: 'other' })))
  await settled()
  all.push(replies.send('busbar-reply-1', outgoing({ id: 'later' })))
  await fake.clock.advance(1_000)
  expect((await Promise.all(all)).map((result) => result.ok)).toEqual(Array.from({ length: 14 }, () => true))
  const calls = fake.named('SendMessageBatch').map(({ input }) => [String(input['QueueUrl']).split('/').at(-1), (input['Entries'] as unknown as []).length])
  expect(calls).toEqual([
    ['busbar-reply-1', 10],
    ['busbar-reply-2', 1],
    ['busbar-reply-1', 3],
  ])
})

it('answers for every reply of a call by itself', async () => {
  const fake = new FakeSqs()
  fake.on('SendMessageBatch', () => ({
    Successful: [{ Id: '0', MessageId: 'm' }],
    Failed: [{ Id: '1', Code: 'InvalidMessageContents', SenderFault: true, Message: 'characters' }],
  }))
  const replies = await linkReplies(fake)
  const results = await Promise.all(['a', 'b'].map((id) => replies.send('busbar-reply-1', outgoing({ id }))))
  expect(results).toMatchObject([{ ok: true }, { ok: false, stored: 'no', error: { code: 'ERR_INVALID' } }])
})

it.each([
  [{}, 600_000],
  [{ maxMessageBytes: 262_144 }, 150_000],
])('puts no more into a call than it takes in bytes: %j', async (options, bytes) => {
  const fake = new FakeSqs()
  fake.on('SendMessageBatch', ({ Entries }) => ({
    Successful: (Entries as unknown as readonly { readonly Id: string }[]).map(({ Id }) => ({ Id, MessageId: Id })),
  }))
  const replies = await linkReplies(fake, options)
  const body = 'x'.repeat(bytes)
  await Promise.all(['a', 'b', 'c'].map((id) => replies.send('busbar-reply-1', outgoing({ id, body }))))
  expect(fake.named('SendMessageBatch').map(({ input }) => (input['Entries'] as unknown as []).length)).toEqual([1, 1, 1])
})

it('refuses a reply that is larger than the options allow, and not the others of its call', async () => {
  const fake = new FakeSqs()
  fake.on('SendMessageBatch', () => ({ Successful: [{ Id: '0', MessageId: 'm' }] }))
  const replies = await linkReplies(fake, { maxMessageBytes: 1_024 })
  const results = await Promise.all(['small', 'x'.repeat(2_000)].map((body) => replies.send('busbar-reply-1', outgoing({ body }))))
  expect(results).toMatchObject([{ ok: true }, { ok: false, stored: 'no', error: { code: 'ERR_TOO_LARGE' } }])
})
