import {
  ChangeMessageVisibilityBatchCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type Message,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import { seededRandom } from '@busbar/memory'
import { buildApp } from 'fauxqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startAwsWire, type AwsWire } from './index.ts'
import { sqsClient } from './test-support/bed.ts'

// An emulator by others. The workloads stay where it does as the service does: no order on standard queues, one message of a group at a time on FIFO queues,
// nothing late, no characters beyond U+FFFF, text attributes only.
const app = buildApp({ logger: false })
let wire: AwsWire
let clients: SQSClient[] = []

beforeAll(async () => {
  wire = await startAwsWire()
  const endpoint = await app.listen({ port: 0, host: '127.0.0.1' })
  clients = [sqsClient(wire), sqsClient({ endpoint, region: wire.region, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } })]
})

afterAll(async () => {
  for (const client of clients) client.destroy()
  await wire[Symbol.asyncDispose]()
  await app.close()
})

const seeds = Array.from({ length: 8 }, (_, index) => index + 1)
const steps = 40

/** A source of choices that is the same for both servers. */
class Chance {
  readonly #random: () => number

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  below(bound: number): number {
    return Math.floor(this.#random() * bound)
  }
}

/** One program on a standard queue. Answers what it saw, without ids, handles and times. */
async function standardWorkload(sqs: SQSClient, seed: number): Promise<unknown[]> {
  const chance = new Chance(seed)
  const QueueUrl = (await sqs.send(new CreateQueueCommand({ QueueName: `standard-${seed}`, Attributes: { MaximumMessageSize: '1024' } }))).QueueUrl
  const trace: unknown[] = []
  let held: Message[] = []
  let sent = 0
  const entry = (): SendMessageBatchRequestEntry => {
    const number = ++sent
    // Now and then one that is too large, or has what no body may have.
    const tail = ['', 'é€', '\t\r\n', 'x'.repeat(1_025), '\0'][chance.below(8)] ?? ''
    const attribute = { DataType: 'String', StringValue: `value-${chance.below(3)}` }
    return {
      Id: `e${number}`,
      MessageBody: `m${number} ${tail}`,
      MessageAttributes: chance.below(2) === 0 ? {} : { tenant: attribute, [`a.${number}`]: attribute },
    }
  }
  const take = (count: number): Message[] => held.splice(0, count)
  const actions: readonly (() => Promise<void>)[] = [
    async () => {
      const entries = Array.from({ length: 1 + chance.below(10) }, entry)
      const { Successful = [], Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: entries }))
      trace.push(Successful.map(({ Id, MD5OfMessageBody, MD5OfMessageAttributes }) => [Id, MD5OfMessageBody, MD5OfMessageAttributes]))
      // Its codes carry a prefix that those of the service do not have.
      trace.push(Failed.map(({ Id, Code, SenderFault }) => [Id, Code?.replace('AWS.SimpleQueueService.', ''), SenderFault]))
    },
    async () => {
      for (;;) {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({
            QueueUrl,
            MaxNumberOfMessages: 10,
            MessageAttributeNames: ['All'],
            MessageSystemAttributeNames: ['ApproximateReceiveCount'],
          }),
        )
        held.push(...Messages)
        if (Messages.length === 0) break
      }
      held = held.toSorted((a, b) => ((a.Body ?? '') < (b.Body ?? '') ? -1 : 1))
      trace.push(held.map(({ Body, MD5OfBody, Attributes, MessageAttributes }) => [Body, MD5OfBody, Attributes, MessageAttributes]))
    },
    async () => {
      const Entries = take(chance.below(11)).map(({ ReceiptHandle }, index) => ({ Id: `${index}`, ReceiptHandle }))
      if (Entries.length > 0) trace.push((await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))).Successful?.length)
    },
    async () => {
      const Entries = take(chance.below(11)).map(({ ReceiptHandle }, index) => ({ Id: `${index}`, ReceiptHandle, VisibilityTimeout: 0 }))
      if (Entries.length > 0) trace.push((await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }))).Successful?.length)
    },
    async () => {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl,
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible', 'ApproximateNumberOfMessagesDelayed', 'MaximumMessageSize'],
        }),
      )
      trace.push(Attributes)
    },
  ]
  for (let step = 0; step < steps; step++) await actions[chance.below(actions.length)]?.()
  await sqs.send(new PurgeQueueCommand({ QueueUrl }))
  await actions[4]?.()
  expect(sent).toBeGreaterThan(0)
  return trace
}

/** One program on a FIFO queue: sends, some of them repeated, and workers that take one message and delete or release it. */
async function fifoWorkload(sqs: SQSClient, seed: number): Promise<unknown[]> {
  const chance = new Chance(seed)
  const QueueUrl = (
    await sqs.send(new CreateQueueCommand({ QueueName: `fifo-${seed}.fifo`, Attributes: { FifoQueue: 'true', ContentBasedDeduplication: 'true' } }))
  ).QueueUrl
  const trace: unknown[] = []
  const ids: (string | undefined)[] = []
  const byGroup = new Map<string, string[]>()
  const handled = async (message: Message, deletes: boolean): Promise<void> => {
    const { ReceiptHandle, Body = '', Attributes } = message
    const group = Attributes?.MessageGroupId ?? ''
    const line = [Body, Attributes?.ApproximateReceiveCount, deletes].join(' ')
    byGroup.set(group, [...(byGroup.get(group) ?? []), line])
    await (deletes
      ? sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
      : sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries: [{ Id: 'a', ReceiptHandle, VisibilityTimeout: 0 }] })))
  }
  for (let step = 0; step < steps; step++) {
    // Bodies repeat: content decides, unless an id is given.
    const group = `g${chance.below(3)}`
    const MessageDeduplicationId = chance.below(4) === 0 ? `id-${chance.below(5)}` : undefined
    const MessageBody = `${group} body ${chance.below(30)}`
    const answer = await sqs.send(
      new SendMessageCommand({ QueueUrl, MessageBody, MessageGroupId: group, ...(MessageDeduplicationId && { MessageDeduplicationId }) }),
    )
    // Which earlier send it repeats.
    trace.push(ids.indexOf(answer.MessageId))
    ids.push(answer.MessageId)
  }
  // Groups rotate differently: what each group does on its own is compared. A message is released as often as its body says.
  for (let idle = 0; idle < 2;) {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 1, MessageSystemAttributeNames: ['All'] }))
    idle = Messages.length === 0 ? idle + 1 : 0
    for (const message of Messages) await handled(message, Number(message.Attributes?.ApproximateReceiveCount) > (message.Body ?? '').length % 3)
  }
  trace.push([...byGroup].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return trace
}

describe.each([
  ['standard', standardWorkload],
  ['FIFO', fifoWorkload],
] as const)('on a %s queue, fauxqs and the wire answer alike', (_, workload) => {
  it.each(seeds)('seed %i', async (seed) => {
    const [ours, theirs] = await Promise.all(clients.map((client) => workload(client, seed)))
    expect(ours).toEqual(theirs)
    expect(ours?.length).toBeGreaterThan(steps / 2)
  })
})
