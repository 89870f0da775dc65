import {
  CancelMessageMoveTaskCommand,
  DeleteQueueCommand,
  ListDeadLetterSourceQueuesCommand,
  ListMessageMoveTasksCommand,
  StartMessageMoveTaskCommand,
  type StartMessageMoveTaskCommandInput,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bodies, refusal, startBed, type Bed } from './test-support/bed.ts'

let bed: Bed
let made = 0

beforeAll(async () => {
  bed = await startBed()
})

afterAll(() => bed[Symbol.asyncDispose]())

interface Pair {
  readonly url: string
  readonly arn: string
  readonly deadUrl: string
  readonly deadArn: string
}

async function pair(maxReceiveCount: number, suffix = ''): Promise<Pair> {
  const name = `redrive-${++made}`
  const deadUrl = await bed.queue(`${name}-dead${suffix}`)
  const deadArn = (await bed.attribute(deadUrl, 'QueueArn')) ?? ''
  const url = await bed.queue(`${name}${suffix}`, {
    VisibilityTimeout: '1',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: deadArn, maxReceiveCount }),
  })
  return { url, deadUrl, deadArn, arn: (await bed.attribute(url, 'QueueArn')) ?? '' }
}

/** Fails every message of the queue once too often. */
async function bury({ url }: Pair, times: number): Promise<void> {
  for (let receive = 0; receive < times; receive++) {
    await bed.receive(url)
    await bed.clock.advance(1_000)
  }
  expect(await bed.receive(url)).toEqual([])
}

describe('a redrive policy', () => {
  it('moves on receive N + 1, keeping id, body, attributes, sent time and count', async () => {
    const queues = await pair(2)
    const MessageAttributes = { tenant: { DataType: 'String', StringValue: 'acme' } }
    const id = await bed.send(queues.url, 'a', {
      MessageAttributes,
      MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: 'Root=1' } },
    })
    const [first] = await bed.receive(queues.url)
    await bed.clock.advance(1_000)
    await bed.receive(queues.url)
    await bed.clock.advance(1_000)
    expect(await bed.attribute(queues.deadUrl, 'ApproximateNumberOfMessages')).toBe('0')
    expect(await bed.receive(queues.url)).toEqual([])
    const [dead] = await bed.receive(queues.deadUrl, { MessageAttributeNames: ['All'] })
    expect(dead).toMatchObject({
      MessageId: id,
      Body: 'a',
      MessageAttributes,
      Attributes: {
        ApproximateReceiveCount: '3',
        DeadLetterQueueSourceArn: queues.arn,
        SentTimestamp: first?.Attributes?.SentTimestamp,
        AWSTraceHeader: 'Root=1',
      },
    })
  })

  it('counts receives with timeout 0', async () => {
    const queues = await pair(1)
    await bed.send(queues.url, 'a')
    expect(await bed.receive(queues.url, { VisibilityTimeout: 0 })).toHaveLength(1)
    expect(await bed.receive(queues.url)).toEqual([])
    expect(bodies(await bed.receive(queues.deadUrl))).toEqual(['a'])
  })

  it('on FIFO frees the group in the same receive, replaces the deduplication id and resets the sent time', async () => {
    const queues = await pair(1, '.fifo')
    await bed.sendTo(queues.url, 'g', 'a', 'b')
    const [first] = await bed.receive(queues.url, { MaxNumberOfMessages: 1 })
    await bed.clock.advance(1_000)
    expect(bodies(await bed.receive(queues.url))).toEqual(['b'])
    const [dead] = await bed.receive(queues.deadUrl)
    expect(dead).toMatchObject({
      MessageId: first?.MessageId,
      Attributes: { MessageGroupId: 'g', MessageDeduplicationId: first?.MessageId, DeadLetterQueueSourceArn: queues.arn, ApproximateReceiveCount: '2' },
    })
    expect(Number(dead?.Attributes?.SentTimestamp)).toBe(Number(first?.Attributes?.SentTimestamp) + 1_000)
    // A late delete by the source's handle does not reach it there.
    expect(await refusal(bed.delete(queues.url, first))).toMatchObject({ name: 'InvalidParameterValue' })
    await bed.delete(queues.deadUrl, dead)
  })

  it('with a queue in the middle of a deletion moves nothing', async () => {
    const queues = await pair(1)
    await bed.sqs.send(new DeleteQueueCommand({ QueueUrl: queues.deadUrl }))
    await bed.send(queues.url, 'a')
    await bed.receive(queues.url)
    await bed.clock.advance(1_000)
    expect(bodies(await bed.receive(queues.url))).toEqual(['a'])
  })

  it('shows where it is used', async () => {
    const { url, deadUrl } = await pair(3)
    expect((await bed.sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: deadUrl }))).queueUrls).toEqual([url])
    expect((await bed.sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: url }))).queueUrls).toEqual([])
  })

  it('takes a count as text and has a default', async () => {
    const deadLetterTargetArn = await bed.attribute(await bed.queue('counted-dead'), 'QueueArn')
    await bed.queue('counted', { RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: '5' }) })
    await bed.queue('uncounted', { RedrivePolicy: JSON.stringify({ deadLetterTargetArn }) })
  })

  it('that cannot work is refused', async () => {
    const dead = await bed.attribute(await bed.queue('refused-dead'), 'QueueArn')
    const closed = await bed.attribute(await bed.queue('closed-dead', { RedriveAllowPolicy: '{"redrivePermission":"denyAll"}' }), 'QueueArn')
    const fifo = await bed.attribute(await bed.queue('refused-dead.fifo'), 'QueueArn')
    const foreign = dead?.replace('eu-central-1', 'us-east-1')
    const policies = [
      { maxReceiveCount: 1 },
      { deadLetterTargetArn: 'arn:aws:sqs:eu-central-1:000000000000:missing', maxReceiveCount: 1 },
      { deadLetterTargetArn: dead, maxReceiveCount: 0 },
      { deadLetterTargetArn: dead, maxReceiveCount: 1_001 },
      { deadLetterTargetArn: fifo, maxReceiveCount: 1 },
      { deadLetterTargetArn: foreign, maxReceiveCount: 1 },
      { deadLetterTargetArn: closed, maxReceiveCount: 1 },
    ]
    for (const policy of policies)
      expect(await refusal(bed.queue('refused', { RedrivePolicy: JSON.stringify(policy) }))).toMatchObject({ name: 'InvalidParameterValue' })
    expect(await refusal(bed.queue('refused', { RedrivePolicy: 'no JSON' }))).toMatchObject({ name: 'InvalidAttributeValue' })
  })

  it('is allowed by queue', async () => {
    const RedriveAllowPolicy = JSON.stringify({ redrivePermission: 'byQueue', sourceQueueArns: ['arn:aws:sqs:eu-central-1:000000000000:named'] })
    const deadLetterTargetArn = await bed.attribute(await bed.queue('named-dead', { RedriveAllowPolicy }), 'QueueArn')
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 1 })
    await bed.queue('named', { RedrivePolicy })
    expect(await refusal(bed.queue('unnamed', { RedrivePolicy }))).toMatchObject({ name: 'InvalidParameterValue' })
  })
})

describe('a move task', () => {
  const start = async (input: StartMessageMoveTaskCommandInput): Promise<string> =>
    (await bed.sqs.send(new StartMessageMoveTaskCommand(input))).TaskHandle ?? ''
  const list = async (SourceArn: string, MaxResults?: number) => (await bed.sqs.send(new ListMessageMoveTasksCommand({ SourceArn, MaxResults }))).Results ?? []

  it('moves back to the source, as new messages', async () => {
    const queues = await pair(1)
    const id = await bed.send(queues.url, 'a')
    await bury(queues, 1)
    const handle = await start({ SourceArn: queues.deadArn })
    expect(await list(queues.deadArn)).toMatchObject([
      { TaskHandle: handle, Status: 'RUNNING', SourceArn: queues.deadArn, ApproximateNumberOfMessagesToMove: 1, ApproximateNumberOfMessagesMoved: 0 },
    ])
    const at = bed.clock.now()
    await bed.clock.advance(1_000)
    const [task] = await list(queues.deadArn)
    expect(task).toMatchObject({ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 1, StartedTimestamp: at })
    expect(task).not.toHaveProperty('TaskHandle')
    const [message] = await bed.receive(queues.url)
    expect(message).toMatchObject({ Body: 'a', Attributes: { ApproximateReceiveCount: '1' } })
    expect(message?.MessageId).not.toBe(id)
    expect(Number(message?.Attributes?.SentTimestamp)).toBeGreaterThan(at)
    expect(message?.Attributes).not.toHaveProperty('DeadLetterQueueSourceArn')
    expect(await bed.receive(queues.deadUrl)).toEqual([])
  })

  it('moves to a destination, in order of the group', async () => {
    const queues = await pair(1, '.fifo')
    await bed.sendTo(queues.url, 'g', 'a', 'b')
    await bury(queues, 1)
    const elsewhere = await bed.queue(`elsewhere-${++made}.fifo`)
    await start({ SourceArn: queues.deadArn, DestinationArn: await bed.attribute(elsewhere, 'QueueArn') })
    await bed.clock.advance(1_000)
    const moved = await bed.receive(elsewhere)
    expect(bodies(moved)).toEqual(['a', 'b'])
    expect(moved.map(({ MessageId }) => MessageId)).toEqual(moved.map(({ Attributes }) => Attributes?.MessageDeduplicationId))
  })

  it('keeps its rate, one at a time, and can be cancelled', async () => {
    const queues = await pair(1)
    for (const body of ['a', 'b', 'c', 'd', 'e']) await bed.send(queues.url, body)
    await bury(queues, 1)
    const TaskHandle = await start({ SourceArn: queues.deadArn, MaxNumberOfMessagesPerSecond: 2 })
    await bed.clock.advance(1_000)
    expect(await refusal(start({ SourceArn: queues.deadArn }))).toMatchObject({
      name: 'InvalidParameterValue',
      message: 'There is already a task running. Only one active task is allowed for a source queue arn at a given time.',
    })
    const cancelled = await bed.sqs.send(new CancelMessageMoveTaskCommand({ TaskHandle }))
    expect(cancelled.ApproximateNumberOfMessagesMoved).toBe(2)
    expect(await list(queues.deadArn)).toMatchObject([{ Status: 'CANCELLING' }])
    await bed.clock.advance(10_000)
    expect(await list(queues.deadArn)).toMatchObject([{ Status: 'CANCELLED', ApproximateNumberOfMessagesMoved: 2 }])
    expect(await refusal(bed.sqs.send(new CancelMessageMoveTaskCommand({ TaskHandle })))).toMatchObject({ name: 'InvalidParameterValue' })
    expect(await bed.attribute(queues.deadUrl, 'ApproximateNumberOfMessages')).toBe('3')
    await start({ SourceArn: queues.deadArn })
    await bed.clock.advance(1_000)
    expect((await list(queues.deadArn, 10)).map(({ Status }) => Status)).toEqual(['COMPLETED', 'CANCELLED'])
    expect(await list(queues.deadArn)).toHaveLength(1)
  })

  it('fails when the queue to move to is gone', async () => {
    const queues = await pair(1)
    await bed.send(queues.url, 'a')
    await bury(queues, 1)
    // Still a source for the service to accept the task; the one that the message came from is gone.
    const other = await bed.queue(`other-${++made}`, { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: queues.deadArn, maxReceiveCount: 1 }) })
    expect(other).not.toBe('')
    await bed.sqs.send(new DeleteQueueCommand({ QueueUrl: queues.url }))
    await start({ SourceArn: queues.deadArn })
    await bed.clock.advance(1_000)
    expect(await list(queues.deadArn)).toMatchObject([
      { Status: 'FAILED', FailureReason: 'AWS.SimpleQueueService.NonExistentQueue', ApproximateNumberOfMessagesMoved: 0 },
    ])
    expect(await bed.attribute(queues.deadUrl, 'ApproximateNumberOfMessages')).toBe('1')
  })

  it('needs a dead-letter queue', async () => {
    const { arn, deadArn } = await pair(1)
    expect(await refusal(start({ SourceArn: arn }))).toMatchObject({
      name: 'InvalidParameterValue',
      message: 'Source queue must be configured as a Dead Letter Queue.',
    })
    expect(await refusal(start({ SourceArn: `${arn}-missing` }))).toMatchObject({ name: 'ResourceNotFoundException', status: 404 })
    expect(await refusal(start({ SourceArn: deadArn, DestinationArn: `${arn}-missing` }))).toMatchObject({ name: 'ResourceNotFoundException' })
    expect(await refusal(start({ SourceArn: deadArn, MaxNumberOfMessagesPerSecond: 501 }))).toMatchObject({ name: 'InvalidParameterValue' })
  })
})
