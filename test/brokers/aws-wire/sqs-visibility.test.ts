import { ChangeMessageVisibilityBatchCommand, DeleteMessageBatchCommand } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bodies, refusal, startBed, type Bed } from './test-support/bed.ts'

let bed: Bed
let made = 0

beforeAll(async () => {
  bed = await startBed()
})

afterAll(() => bed[Symbol.asyncDispose]())

const fresh = (attributes: Record<string, string> = {}): Promise<string> => bed.queue(`visibility-${++made}`, attributes)
const gone = 'Message does not exist or is not available for visibility timeout change.'

describe('a receive', () => {
  it('hides a message until its timeout ends, then gives another handle and counts', async () => {
    const url = await fresh({ VisibilityTimeout: '5' })
    await bed.send(url, 'a')
    const [first] = await bed.receive(url)
    expect(first?.Attributes?.ApproximateReceiveCount).toBe('1')
    expect(await bed.attribute(url, 'ApproximateNumberOfMessagesNotVisible')).toBe('1')
    await bed.clock.advance(4_999)
    expect(await bed.receive(url)).toEqual([])
    await bed.clock.advance(1)
    const [second] = await bed.receive(url)
    expect(second?.Attributes?.ApproximateReceiveCount).toBe('2')
    expect(second?.MessageId).toBe(first?.MessageId)
    expect(second?.ReceiptHandle).not.toBe(first?.ReceiptHandle)
    expect(second?.Attributes?.ApproximateFirstReceiveTimestamp).toBe(first?.Attributes?.ApproximateFirstReceiveTimestamp)
  })

  it('has the timeout that it asks for', async () => {
    const url = await fresh()
    await bed.send(url, 'a')
    await bed.receive(url, { VisibilityTimeout: 2 })
    await bed.clock.advance(2_000)
    expect(await bed.receive(url)).toHaveLength(1)
  })

  it('with timeout 0 shows the message and leaves it, and the last handle deletes', async () => {
    const url = await fresh()
    await bed.send(url, 'a')
    const [first] = await bed.receive(url, { VisibilityTimeout: 0 })
    const [second] = await bed.receive(url, { VisibilityTimeout: 0 })
    expect(second?.Attributes?.ApproximateReceiveCount).toBe('2')
    await bed.delete(url, first)
    const [third] = await bed.receive(url, { VisibilityTimeout: 0 })
    await bed.delete(url, third)
    expect(await bed.receive(url)).toEqual([])
  })

  it.each([
    { MaxNumberOfMessages: 0 },
    { MaxNumberOfMessages: 11 },
    { VisibilityTimeout: -1 },
    { VisibilityTimeout: 43_201 },
    { WaitTimeSeconds: 21 },
    { ReceiveRequestAttemptId: 'fifo-only' },
  ])('refuses %o', async (parameters) => {
    expect(await refusal(bed.receive(await fresh(), parameters))).toMatchObject({ name: 'InvalidParameterValue' })
  })
})

describe('a change of visibility', () => {
  it('counts from the call and is not remembered', async () => {
    const url = await fresh({ VisibilityTimeout: '5' })
    await bed.send(url, 'a')
    const [first] = await bed.receive(url)
    await bed.clock.advance(3_000)
    await bed.change(url, first, 10)
    await bed.clock.advance(9_999)
    expect(await bed.receive(url)).toEqual([])
    await bed.clock.advance(1)
    expect(await bed.receive(url)).toHaveLength(1)
    await bed.clock.advance(5_000)
    expect(await bed.receive(url)).toHaveLength(1)
  })

  it('to 0 frees the message at once', async () => {
    const url = await fresh()
    await bed.send(url, 'a')
    await bed.change(url, (await bed.receive(url))[0], 0)
    expect(await bed.receive(url)).toHaveLength(1)
  })

  it('after the timeout hides the message again', async () => {
    const url = await fresh({ VisibilityTimeout: '1' })
    await bed.send(url, 'a')
    const [first] = await bed.receive(url)
    await bed.clock.advance(1_000)
    await bed.change(url, first, 2)
    expect(await bed.attribute(url, 'ApproximateNumberOfMessagesNotVisible')).toBe('1')
    expect(await bed.receive(url)).toEqual([])
    await bed.clock.advance(2_000)
    expect((await bed.receive(url))[0]?.Attributes?.ApproximateReceiveCount).toBe('2')
  })

  it('by an older handle ends a later receive', async () => {
    const url = await fresh({ VisibilityTimeout: '1' })
    await bed.send(url, 'a')
    const [first] = await bed.receive(url)
    await bed.clock.advance(1_000)
    await bed.receive(url, { VisibilityTimeout: 60 })
    await bed.change(url, first, 0)
    expect(await bed.receive(url)).toHaveLength(1)
  })

  it('of a deleted message is refused', async () => {
    const url = await fresh()
    await bed.send(url, 'a')
    const [message] = await bed.receive(url)
    await bed.delete(url, message)
    const { name, message: text } = await refusal(bed.change(url, message, 5))
    expect(name).toBe('InvalidParameterValue')
    expect(text).toContain(gone)
  })

  it('stays within twelve hours of the receive, whatever was changed since', async () => {
    const url = await fresh()
    await bed.send(url, 'a')
    const [message] = await bed.receive(url, { VisibilityTimeout: 43_200 })
    await bed.change(url, message, 43_200)
    await bed.clock.advance(1_000)
    const refused = await refusal(bed.change(url, message, 43_200))
    expect(refused).toMatchObject({ name: 'InvalidParameterValue' })
    expect(refused.message).toContain('Total VisibilityTimeout for the message is beyond the limit')
    await bed.change(url, message, 43_199)
    await bed.clock.advance(3_600_000)
    expect(await refusal(bed.change(url, message, 39_600))).toMatchObject({ name: 'InvalidParameterValue' })
    await bed.change(url, message, 39_599)
  })

  it('of more than twelve hours is refused', async () => {
    const url = await fresh()
    await bed.send(url, 'a')
    const [message] = await bed.receive(url)
    expect(await refusal(bed.change(url, message, 43_201))).toMatchObject({ name: 'InvalidParameterValue' })
  })
})

describe('a delete', () => {
  it('succeeds twice', async () => {
    const url = await fresh()
    await bed.send(url, 'a')
    const [message] = await bed.receive(url)
    await bed.delete(url, message)
    await bed.delete(url, message)
    await bed.clock.advance(60_000)
    expect(await bed.receive(url)).toEqual([])
  })

  it('after the timeout removes what nobody has received since', async () => {
    const url = await fresh({ VisibilityTimeout: '1' })
    await bed.send(url, 'a')
    const [message] = await bed.receive(url)
    await bed.clock.advance(1_000)
    await bed.delete(url, message)
    expect(await bed.receive(url)).toEqual([])
  })

  it('after the timeout succeeds without effect on what was received since', async () => {
    const url = await fresh({ VisibilityTimeout: '1' })
    await bed.send(url, 'a')
    const [message] = await bed.receive(url)
    await bed.clock.advance(1_000)
    await bed.receive(url)
    await bed.delete(url, message)
    await bed.clock.advance(1_000)
    expect(await bed.receive(url)).toHaveLength(1)
  })
})

describe('a handle', () => {
  it('that is none is refused', async () => {
    const url = await fresh()
    const expected = { name: 'ReceiptHandleIsInvalid', code: 'ReceiptHandleIsInvalid', status: 404 }
    expect(await refusal(bed.delete(url, { ReceiptHandle: 'garbage' }))).toMatchObject(expected)
    expect(await refusal(bed.change(url, { ReceiptHandle: 'garbage' }, 5))).toMatchObject(expected)
  })

  it('of another queue is refused', async () => {
    const [url, other] = [await fresh(), await fresh()]
    await bed.send(url, 'a')
    const [message] = await bed.receive(url)
    expect(await refusal(bed.delete(other, message))).toMatchObject({ name: 'ReceiptHandleIsInvalid' })
  })

  it('that is bad fails its entry alone', async () => {
    const url = await fresh()
    await bed.send(url, 'a')
    await bed.send(url, 'b')
    const [a, b] = await bed.receive(url)
    const entries = [
      { Id: 'a', ReceiptHandle: a?.ReceiptHandle },
      { Id: 'bad', ReceiptHandle: 'garbage' },
      { Id: 'b', ReceiptHandle: b?.ReceiptHandle },
    ]
    const changed = await bed.sqs.send(
      new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries: entries.map((entry) => ({ ...entry, VisibilityTimeout: 60 })) }),
    )
    expect(changed.Successful?.map(({ Id }) => Id)).toEqual(['a', 'b'])
    expect(changed.Failed).toMatchObject([{ Id: 'bad', Code: 'ReceiptHandleIsInvalid', SenderFault: true }])
    const deleted = await bed.sqs.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries: entries }))
    expect(deleted.Successful?.map(({ Id }) => Id)).toEqual(['a', 'b'])
    expect(deleted.Failed).toMatchObject([{ Id: 'bad', Code: 'ReceiptHandleIsInvalid', SenderFault: true }])
  })
})

describe('in flight', () => {
  it('more than the limit: an error for who does not wait, silence for who does', async () => {
    await using small = await startBed({ limits: { inFlight: 3 } })
    const url = await small.queue('busy')
    for (const body of ['a', 'b', 'c', 'd']) await small.send(url, body)
    const held = await small.receive(url)
    expect(held).toHaveLength(3)
    expect(await refusal(small.receive(url))).toMatchObject({ name: 'OverLimit', code: 'OverLimit', status: 403 })
    const before = small.wire.calls.count('ReceiveMessage')
    const waiting = small.receive(url, { WaitTimeSeconds: 20 })
    await expect.poll(() => small.wire.calls.count('ReceiveMessage'), { timeout: 10_000 }).toBe(before + 1)
    await small.delete(url, held[0])
    expect(bodies(await waiting)).toEqual(['d'])
  })

  it('more than the limit is no error on FIFO queues', async () => {
    await using small = await startBed({ limits: { inFlight: 1 } })
    const url = await small.queue('busy.fifo')
    await small.sendTo(url, 'g', 'a', 'b')
    expect(bodies(await small.receive(url))).toEqual(['a'])
    expect(await small.receive(url)).toEqual([])
  })
})

describe('retention', () => {
  it('drops what is too old, received before or not', async () => {
    const url = await fresh({ MessageRetentionPeriod: '60', VisibilityTimeout: '1' })
    await bed.send(url, 'received')
    await bed.receive(url)
    await bed.send(url, 'new')
    await bed.clock.advance(59_999)
    expect(await bed.attribute(url, 'ApproximateNumberOfMessages')).toBe('2')
    await bed.clock.advance(1)
    expect(await bed.attribute(url, 'ApproximateNumberOfMessages')).toBe('0')
    expect(await bed.receive(url)).toEqual([])
  })
})
