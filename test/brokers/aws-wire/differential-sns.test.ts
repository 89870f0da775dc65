import { CreateTopicCommand, PublishBatchCommand, PublishCommand, SNSClient, SubscribeCommand, type MessageAttributeValue } from '@aws-sdk/client-sns'
import { CreateQueueCommand, DeleteMessageCommand, GetQueueAttributesCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import { seededRandom } from '@busbar/memory'
import { buildApp } from 'fauxqs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startAwsWire, type AwsWire } from './index.ts'
import { sqsClient } from './test-support/bed.ts'
import { openPolicy, text } from './test-support/topic-bed.ts'

// An emulator by others. The workloads stay where it does as the service does: at most ten attributes, filters on texts, queues that let the topic in.
const app = buildApp({ logger: false })
let wire: AwsWire
let clients: { readonly sns: SNSClient; readonly sqs: SQSClient }[] = []

beforeAll(async () => {
  wire = await startAwsWire()
  const endpoint = await app.listen({ port: 0, host: '127.0.0.1' })
  const { region, credentials } = wire
  clients = [wire, { endpoint, region, credentials }].map((server) => ({
    sqs: sqsClient(server),
    sns: new SNSClient({ ...server, region, credentials, maxAttempts: 1 }),
  }))
})

afterAll(async () => {
  for (const { sns, sqs } of clients) {
    sns.destroy()
    sqs.destroy()
  }
  await wire[Symbol.asyncDispose]()
  await app.close()
})

const subscriptions: readonly Record<string, string>[] = [
  {},
  { RawMessageDelivery: 'true' },
  { RawMessageDelivery: 'true', FilterPolicy: '{"tenant":["t0",{"prefix":"x"}]}' },
  { FilterPolicy: '{"tenant":[{"anything-but":["t1"]}],"kind":[{"exists":true}]}' },
  { RawMessageDelivery: 'true', FilterPolicy: '{"amount":[{"numeric":[">",3]}],"deep":{"name":["n1","n2"]}}', FilterPolicyScope: 'MessageBody' },
]

/** Publishes at random and answers what each subscription got, without ids, times and addresses. */
async function workload({ sns, sqs }: (typeof clients)[number], seed: number): Promise<unknown> {
  const random = seededRandom(seed)
  const below = (bound: number): number => Math.floor(random() * bound)
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: `topic-${seed}` }))
  const urls: (string | undefined)[] = []
  for (const [index, Attributes] of subscriptions.entries()) {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: `s${index}-of-${seed}`, Attributes: { Policy: openPolicy } }))
    const queue = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }))
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: queue.Attributes?.QueueArn, Attributes }))
    urls.push(QueueUrl)
  }
  const message = (number: number): { Message: string; Subject?: string; MessageAttributes?: Record<string, MessageAttributeValue> } => ({
    Message: JSON.stringify({ number, amount: below(8), deep: { name: `n${below(4)}` }, text: 'é "<&>' }),
    ...(below(3) === 0 && { Subject: `About ${number} & more` }),
    ...(below(4) > 0 && { MessageAttributes: { tenant: text(['t0', 't1', 'xyz', 't2'][below(4)] ?? ''), ...(below(2) === 0 && { kind: text('k') }) } }),
  })
  for (let step = 0; step < 15; step++) {
    const messages = Array.from({ length: 1 + below(5) }, (_, index) => message(step * 10 + index))
    if (messages.length === 1) await sns.send(new PublishCommand({ TopicArn, Message: '', ...messages[0] }))
    else await sns.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries: messages.map((entry, index) => ({ Id: `${index}`, ...entry })) }))
  }
  return Promise.all(urls.map((url) => drain(sqs, url)))
}

async function drain(sqs: SQSClient, QueueUrl: string | undefined): Promise<unknown[]> {
  const got: unknown[] = []
  for (;;) {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }))
    if (Messages.length === 0) return got
    for (const { Body = '', MessageAttributes, ReceiptHandle } of Messages) {
      const { Type, Subject, Message, MessageAttributes: inner, SignatureVersion, number } = JSON.parse(Body) as Record<string, unknown>
      got.push({ raw: number === undefined ? undefined : Body, Type, Subject, Message, inner, SignatureVersion, MessageAttributes })
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
    }
  }
}

it.each([1, 2, 3, 4, 5, 6])('a topic fans out alike on fauxqs and on the wire: seed %i', async (seed) => {
  const [ours, theirs] = (await Promise.all(clients.map((client) => workload(client, seed)))) as [unknown[][], unknown[][]]
  expect(ours).toEqual(theirs)
  // Every subscription got some, and those with filters not all.
  const counts = ours.map(({ length }) => length)
  expect(Math.min(...counts)).toBeGreaterThan(0)
  expect(Math.max(...counts.slice(2))).toBeLessThan(counts[0] ?? 0)
})
