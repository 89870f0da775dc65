import { createHash } from 'node:crypto'
import {
  PurgeQueueCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  type Message,
  type SendMessageBatchRequestEntry,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bodies, refusal, startBed, type Bed } from './test-support/bed.ts'

let bed: Bed
let made = 0

beforeAll(async () => {
  bed = await startBed()
})

afterAll(() => bed[Symbol.asyncDispose]())

const fresh = (attributes: Record<string, string> = {}): Promise<string> => bed.queue(`fifo-${++made}.fifo`, attributes)

/** A queue with three messages of a group received together, each for as many seconds as said. */
async function received(): Promise<{ url: string; all: Message[] }> {
  const url = await fresh({ VisibilityTimeout: '10' })
  await bed.sendTo(url, 'g', 'm1', 'm2', 'm3')
  const all = await bed.receive(url)
  expect(bodies(all)).toEqual(['m1', 'm2', 'm3'])
  return { url, all }
}

describe('the visible prefix of a group', () => {
  it('all in flight: nothing of it, other groups flow', async () => {
    const { url } = await received()
    await bed.sendTo(url, 'other', 'o1')
    expect(bodies(await bed.receive(url))).toEqual(['o1'])
  })

  it('all in flight and a new one sent: nothing', async () => {
    const { url } = await received()
    await bed.sendTo(url, 'g', 'm4')
    expect(await bed.receive(url)).toEqual([])
    expect(await bed.attribute(url, 'ApproximateNumberOfMessages')).toBe('1')
  })

  it('all deleted: what follows, and a waiting poll wakes', async () => {
    const { url, all } = await received()
    await bed.sendTo(url, 'g', 'm4')
    const before = bed.wire.calls.count('ReceiveMessage')
    const waiting = bed.receive(url, { WaitTimeSeconds: 20 })
    await expect.poll(() => bed.wire.calls.count('ReceiveMessage'), { timeout: 10_000 }).toBe(before + 1)
    for (const message of all) await bed.delete(url, message)
    expect(bodies(await waiting)).toEqual(['m4'])
  })

  it('the first deleted, the others in flight: nothing', async () => {
    const { url, all } = await received()
    await bed.sendTo(url, 'g', 'm4')
    await bed.delete(url, all[0])
    expect(await bed.receive(url)).toEqual([])
  })

  it('the first released: the first only', async () => {
    const { url, all } = await received()
    await bed.change(url, all[0], 0)
    expect(bodies(await bed.receive(url))).toEqual(['m1'])
  })

  it('the first expired: the first only', async () => {
    const { url, all } = await received()
    await bed.change(url, all[0], 1)
    await bed.clock.advance(1_000)
    expect(bodies(await bed.receive(url))).toEqual(['m1'])
  })

  it.each<[string, number, string[]]>([
    ['first', 0, []],
    ['second', 1, ['m1']],
    ['third', 2, ['m1', 'm2']],
  ])('the %s extended, the others expired', async (_, extended, expected) => {
    const { url, all } = await received()
    await bed.change(url, all[extended], 30)
    await bed.clock.advance(10_000)
    expect(bodies(await bed.receive(url))).toEqual(expected)
  })

  it('all expired: in order again', async () => {
    const { url } = await received()
    await bed.clock.advance(10_000)
    expect(bodies(await bed.receive(url))).toEqual(['m1', 'm2', 'm3'])
  })

  it('the tail released before the head: nothing until the head is free', async () => {
    const { url, all } = await received()
    await bed.change(url, all[0], 5)
    await bed.change(url, all[2], 0)
    await bed.change(url, all[1], 0)
    expect(await bed.receive(url)).toEqual([])
    await bed.clock.advance(5_000)
    expect(bodies(await bed.receive(url))).toEqual(['m1', 'm2', 'm3'])
  })

  it('a later one deleted first: the earlier comes again', async () => {
    const { url, all } = await received()
    await bed.delete(url, all[2])
    await bed.clock.advance(10_000)
    expect(bodies(await bed.receive(url))).toEqual(['m1', 'm2'])
  })
})

describe('groups', () => {
  it('one fills up before the next', async () => {
    const url = await fresh()
    await bed.sendTo(url, 'g1', 'g1a')
    await bed.sendTo(url, 'g2', 'g2a')
    await bed.sendTo(url, 'g1', 'g1b', 'g1c')
    expect(bodies(await bed.receive(url))).toEqual(['g1a', 'g1b', 'g1c', 'g2a'])
  })

  it('rotate: one that was served or released goes to the back', async () => {
    const url = await fresh()
    await bed.sendTo(url, 'g1', 'g1m1', 'g1m2')
    await bed.sendTo(url, 'g2', 'g2m1', 'g2m2')
    await bed.sendTo(url, 'g3', 'g3m1')
    expect(bodies(await bed.receive(url, { MaxNumberOfMessages: 3, VisibilityTimeout: 0 }))).toEqual(['g1m1', 'g1m2', 'g2m1'])
    expect(bodies(await bed.receive(url))).toEqual(['g3m1', 'g1m1', 'g1m2', 'g2m1', 'g2m2'])
  })
})

describe('late', () => {
  it('deletes are refused', async () => {
    const { url, all } = await received()
    await bed.clock.advance(10_000)
    const refused = await refusal(bed.delete(url, all[0]))
    expect(refused).toMatchObject({ name: 'InvalidParameterValue', status: 400 })
    expect(refused.message).toContain('Reason: The receipt handle has expired.')
    expect(bodies(await bed.receive(url))).toEqual(['m1', 'm2', 'm3'])
  })

  it('deletes of what was extended in time succeed', async () => {
    const { url, all } = await received()
    await bed.change(url, all[0], 30)
    await bed.clock.advance(20_000)
    await bed.delete(url, all[0])
    await bed.delete(url, all[0])
    expect(bodies(await bed.receive(url))).toEqual(['m2', 'm3'])
  })

  it('changes are refused', async () => {
    const { url, all } = await received()
    await bed.clock.advance(10_000)
    expect(await refusal(bed.change(url, all[0], 5))).toMatchObject({ name: 'InvalidParameterValue' })
  })
})

describe('deduplication', () => {
  const send = async (url: string, body: string, group: string, id?: string): Promise<{ id: string; sequence: bigint }> => {
    const answer = await bed.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body, MessageGroupId: group, MessageDeduplicationId: id }))
    return { id: answer.MessageId ?? '', sequence: BigInt(answer.SequenceNumber ?? 0) }
  }

  it('answers a repeated id with the first message and stores nothing, for five minutes, also when it is deleted', async () => {
    const url = await fresh()
    const first = await send(url, 'a', 'g', 'id')
    await bed.clock.advance(1_000)
    expect(await send(url, 'another body', 'other-group', 'id')).toEqual(first)
    const [message, ...others] = await bed.receive(url)
    expect(others).toEqual([])
    expect(message).toMatchObject({
      MessageId: first.id,
      Attributes: { MessageGroupId: 'g', MessageDeduplicationId: 'id', SequenceNumber: String(first.sequence) },
    })
    await bed.delete(url, message)
    await bed.clock.advance(298_999)
    expect(await send(url, 'a', 'g', 'id')).toEqual(first)
    await bed.clock.advance(1)
    const later = await send(url, 'a', 'g', 'id')
    expect(later.id).not.toBe(first.id)
    expect(later.sequence > first.sequence).toBe(true)
  })

  it('by content is that of the body alone, and an explicit id wins', async () => {
    const url = await fresh({ ContentBasedDeduplication: 'true' })
    const first = await send(url, 'hello', 'g')
    expect(await send(url, 'hello', 'g')).toEqual(first)
    expect((await send(url, 'hello', 'g', 'explicit')).id).not.toBe(first.id)
    const [message] = await bed.receive(url)
    expect(message?.Attributes?.MessageDeduplicationId).toBe('2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824')
    expect(createHash('sha256').update('hello').digest('hex')).toBe(message?.Attributes?.MessageDeduplicationId)
  })

  it('can be per group', async () => {
    const url = await fresh({ DeduplicationScope: 'messageGroup' })
    const first = await send(url, 'a', 'g1', 'id')
    expect((await send(url, 'a', 'g2', 'id')).id).not.toBe(first.id)
    expect(await send(url, 'a', 'g1', 'id')).toEqual(first)
  })

  it('is forgotten by a purge', async () => {
    await using own = await startBed()
    const url = await own.queue('purged.fifo')
    await own.send(url, 'a', { MessageGroupId: 'g', MessageDeduplicationId: 'id' })
    await own.sqs.send(new PurgeQueueCommand({ QueueUrl: url }))
    await own.send(url, 'b', { MessageGroupId: 'g', MessageDeduplicationId: 'id' })
    expect(bodies(await own.receive(url))).toEqual(['b'])
  })
})

describe('sending', () => {
  it('needs a group', async () => {
    const url = await fresh()
    const text = 'The request must contain the parameter MessageGroupId.'
    expect(await refusal(bed.send(url, 'a', { MessageDeduplicationId: 'x' }))).toMatchObject({ name: 'MissingParameter', message: text })
  })

  it('needs a deduplication id', async () => {
    const url = await fresh()
    expect(await refusal(bed.send(url, 'a', { MessageGroupId: 'g' }))).toMatchObject({
      name: 'InvalidParameterValue',
      message: 'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
    })
  })

  it.each<[string, Partial<SendMessageBatchRequestEntry>]>([
    ['no group', { MessageGroupId: undefined }],
    ['no deduplication id', { MessageDeduplicationId: undefined }],
    ['a delay', { DelaySeconds: 1 }],
  ])('a batch with %s in one entry fails whole', async (_, wrong) => {
    const url = await fresh()
    const entries = ['a', 'b', 'c'].map((Id) => ({ Id, MessageBody: Id, MessageGroupId: 'g', MessageDeduplicationId: Id }))
    const Entries = entries.map((entry) => (entry.Id === 'b' ? { ...entry, ...wrong } : entry))
    expect(await refusal(bed.sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries })))).toMatchObject({ name: 'InvalidParameterValue' })
    expect(await bed.receive(url)).toEqual([])
  })

  it('a batch is stored in order, without the entry that fails', async () => {
    const url = await fresh()
    const Entries = ['1', '\0', '3'].map((MessageBody, index) => ({ Id: `e${index}`, MessageBody, MessageGroupId: 'g', MessageDeduplicationId: `${index}` }))
    const { Successful, Failed } = await bed.sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }))
    expect(Successful?.map(({ Id }) => Id)).toEqual(['e0', 'e2'])
    expect(Failed?.map(({ Id }) => Id)).toEqual(['e1'])
    expect(bodies(await bed.receive(url))).toEqual(['1', '3'])
  })

  it.each(['', 'a b', 'x'.repeat(129), 'é'])('ids like %j are refused', async (id) => {
    const url = await fresh()
    expect(await refusal(bed.send(url, 'a', { MessageGroupId: id, MessageDeduplicationId: 'x' }))).toMatchObject({ name: 'InvalidParameterValue' })
    expect(await refusal(bed.send(url, 'a', { MessageGroupId: 'x', MessageDeduplicationId: id }))).toMatchObject({ name: 'InvalidParameterValue' })
  })

  it('ids of 128 characters of all kinds are taken', async () => {
    const url = await fresh()
    await bed.send(url, 'a', { MessageGroupId: `!"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~`.padEnd(128, 'x'), MessageDeduplicationId: '~'.repeat(128) })
  })

  it('with a delay of its own is refused, with 0 has that of the queue', async () => {
    const url = await fresh({ DelaySeconds: '2' })
    expect(await refusal(bed.send(url, 'a', { MessageGroupId: 'g', MessageDeduplicationId: 'x', DelaySeconds: 1 }))).toMatchObject({
      name: 'InvalidParameterValue',
    })
    await bed.send(url, 'a', { MessageGroupId: 'g', MessageDeduplicationId: 'x', DelaySeconds: 0 })
    expect(await bed.receive(url)).toEqual([])
    await bed.clock.advance(2_000)
    expect(bodies(await bed.receive(url))).toEqual(['a'])
  })

  it('a change of the delay reaches what is stored', async () => {
    const url = await fresh({ DelaySeconds: '60' })
    await bed.sendTo(url, 'g', 'a')
    await bed.sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { DelaySeconds: '1' } }))
    await bed.clock.advance(1_000)
    expect(bodies(await bed.receive(url))).toEqual(['a'])
  })
})

describe('ReceiveRequestAttemptId', () => {
  it('gives the same messages with the same handles, hidden anew, and another id gives others', async () => {
    const url = await fresh({ VisibilityTimeout: '10' })
    await bed.sendTo(url, 'g1', 'a')
    await bed.sendTo(url, 'g2', 'b')
    const first = await bed.receive(url, { MaxNumberOfMessages: 1, ReceiveRequestAttemptId: 'one' })
    await bed.clock.advance(9_000)
    const again = await bed.receive(url, { MaxNumberOfMessages: 1, ReceiveRequestAttemptId: 'one' })
    expect(again).toEqual(first)
    await bed.clock.advance(9_000)
    expect(bodies(await bed.receive(url, { ReceiveRequestAttemptId: 'two' }))).toEqual(['b'])
    await bed.clock.advance(1_000)
    expect(bodies(await bed.receive(url))).toEqual(['a'])
  })

  it('brings back what a lost answer had', async () => {
    const url = await fresh()
    await bed.sendTo(url, 'g', 'a', 'b')
    bed.wire.faults.add({ action: 'ReceiveMessage', fault: { kind: 'reset', when: 'after' } })
    await expect(bed.receive(url, { ReceiveRequestAttemptId: 'lost' })).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(await bed.receive(url)).toEqual([])
    const messages = await bed.receive(url, { ReceiveRequestAttemptId: 'lost' })
    expect(messages.map(({ Body, Attributes }) => [Body, Attributes?.ApproximateReceiveCount])).toEqual([
      ['a', '1'],
      ['b', '1'],
    ])
    for (const message of messages) await bed.delete(url, message)
  })

  it('is forgotten after five minutes', async () => {
    const url = await fresh()
    await bed.sendTo(url, 'g', 'a')
    const [message] = await bed.receive(url, { ReceiveRequestAttemptId: 'one', VisibilityTimeout: 3_600 })
    await bed.clock.advance(300_000)
    expect(await bed.receive(url, { ReceiveRequestAttemptId: 'one' })).toEqual([])
    await bed.delete(url, message)
  })

  it('gives no longer what was changed', async () => {
    const url = await fresh()
    await bed.sendTo(url, 'g', 'a')
    const [message] = await bed.receive(url, { ReceiveRequestAttemptId: 'one' })
    await bed.change(url, message, 60)
    expect(await bed.receive(url, { ReceiveRequestAttemptId: 'one' })).toEqual([])
  })
})
