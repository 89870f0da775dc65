import { CreateQueueCommand, DeleteQueueCommand, ReceiveMessageCommand, SendMessageCommand, type Message } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startAwsWire } from './index.ts'
import { bodies, refusal, sqsClient, startBed, type Bed } from './test-support/bed.ts'

let bed: Bed
let made = 0

beforeAll(async () => {
  bed = await startBed()
})

afterAll(() => bed[Symbol.asyncDispose]())

const fresh = (attributes: Record<string, string> = {}): Promise<string> => bed.queue(`polled-${++made}`, attributes)

/** Starts a receive that waits, and comes back when it has arrived. */
async function poll(
  url: string,
  seconds: number | undefined,
  abortSignal: AbortSignal = new AbortController().signal,
): Promise<{ readonly answer: Promise<string[]> }> {
  const before = bed.wire.calls.count('ReceiveMessage')
  const command = new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: seconds })
  const answer = bed.sqs.send(command, { abortSignal }).then(({ Messages = [] }) => bodies(Messages))
  answer.catch(() => {})
  await expect.poll(() => bed.wire.calls.count('ReceiveMessage'), { timeout: 10_000 }).toBe(before + 1)
  return { answer }
}

/** Resolves to `undefined` if the promise has not settled after a round trip. */
async function settledNow<T>(promise: Promise<T>): Promise<T | undefined> {
  const url = await bed.queue('round-trip')
  return Promise.race([promise, bed.attribute(url, 'QueueArn').then(() => undefined)])
}

describe('a long poll', () => {
  it('ends with the first message', async () => {
    const url = await fresh()
    const { answer } = await poll(url, 20)
    expect(await settledNow(answer)).toBeUndefined()
    await bed.send(url, 'a')
    expect(await answer).toEqual(['a'])
  })

  it('ends empty when its time is over', async () => {
    const { answer } = await poll(await fresh(), 20)
    await bed.clock.advance(19_999)
    expect(await settledNow(answer)).toBeUndefined()
    await bed.clock.advance(1)
    expect(await answer).toEqual([])
  })

  it('has the time of the queue if it has none of its own', async () => {
    const { answer } = await poll(await fresh({ ReceiveMessageWaitTimeSeconds: '5' }), undefined)
    await bed.clock.advance(4_999)
    expect(await settledNow(answer)).toBeUndefined()
    await bed.clock.advance(1)
    expect(await answer).toEqual([])
  })

  it('wakes when a delay or a visibility timeout ends', async () => {
    const url = await fresh({ VisibilityTimeout: '3' })
    await bed.send(url, 'a', { DelaySeconds: 2 })
    const delayed = await poll(url, 20)
    await bed.clock.advance(2_000)
    expect(await delayed.answer).toEqual(['a'])
    const expired = await poll(url, 20)
    await bed.clock.advance(3_000)
    expect(await expired.answer).toEqual(['a'])
  })

  it('is woken only if there is something for it', async () => {
    const url = await fresh()
    const polls = [await poll(url, 20), await poll(url, 20), await poll(url, 20)]
    await bed.send(url, 'a')
    expect(await polls[0]?.answer).toEqual(['a'])
    expect(await settledNow(Promise.race(polls.slice(1).map(({ answer }) => answer)))).toBeUndefined()
    await bed.send(url, 'b')
    expect(await polls[1]?.answer).toEqual(['b'])
    await bed.clock.advance(20_000)
    expect(await polls[2]?.answer).toEqual([])
  })

  it('ends when its client goes, and takes no message with it', async () => {
    const url = await fresh()
    const stop = new AbortController()
    const { pending } = bed.clock
    const { answer } = await poll(url, 20, stop.signal)
    expect(bed.clock.pending).toBe(pending + 1)
    stop.abort()
    await expect(answer).rejects.toThrow(/abort/i)
    // The end of the connection takes a moment to arrive: a message sent before would be taken, as at the service.
    await expect.poll(() => bed.clock.pending, { timeout: 10_000 }).toBe(pending)
    await bed.send(url, 'a')
    const [message] = await bed.receive(url)
    expect(message).toMatchObject({ Body: 'a', Attributes: { ApproximateReceiveCount: '1' } })
    await bed.delete(url, message)
  })

  it('on a queue that is deleted ends with the error', async () => {
    const url = await fresh()
    const { answer } = await poll(url, 20)
    await bed.sqs.send(new DeleteQueueCommand({ QueueUrl: url }))
    expect(await refusal(answer)).toMatchObject({ name: 'QueueDoesNotExist' })
  })
})

describe('in real time', () => {
  it('polls, expires and ends', async () => {
    await using wire = await startAwsWire()
    const sqs = sqsClient(wire)
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'real', Attributes: { VisibilityTimeout: '1' } }))
    const receive = async (WaitTimeSeconds: number): Promise<Message | undefined> =>
      (await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds, MessageSystemAttributeNames: ['All'] }))).Messages?.[0]
    const waiting = receive(10)
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a' }))
    expect((await waiting)?.Body).toBe('a')
    const again = await receive(10)
    expect(again?.Attributes?.ApproximateReceiveCount).toBe('2')
    // From receive to receive by the wire's own time, so that a slow machine changes nothing.
    expect(Date.now() - Number(again?.Attributes?.ApproximateFirstReceiveTimestamp)).toBeGreaterThanOrEqual(999)
    sqs.destroy()
  })
})
