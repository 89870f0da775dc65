import { CreateTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { GetQueueAttributesCommand, GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { createBroker, queue, text, type Broker, type DeadLetter, type Message, type Queue } from '@busbar/core'
import { bodyText } from '@busbar/core/driver'
import { retry } from '@busbar/middleware'
import { sqs, type SqsRouteOptions } from '@busbar/sqs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startAwsWire } from '../brokers/aws-wire/index.ts'
import { startFauxqs } from '../brokers/fauxqs.ts'

interface Server extends AsyncDisposable {
  readonly endpoint: string
  readonly topicsEndpoint?: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** What the owner of a topic asks the queue to allow. */
const policy: SqsRouteOptions['policy'] = [
  { Sid: 'topics', Effect: 'Allow', Principal: { Service: 'sns.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: '*' },
]

// The emulator may hide a letter for a visibility timeout, and then it is looked for again.
vi.setConfig({ testTimeout: 60_000 })

describe.concurrent.each([
  ['aws-wire', (): Promise<Server> => startAwsWire()],
  ['fauxqs', (): Promise<Server> => startFauxqs()],
] as const)('a queue that is subscribed to a topic without raw delivery, on %s', (_name, start) => {
  let server: Server
  let topics: SNSClient
  let queues: SQSClient
  beforeAll(async () => {
    server = await start()
    const { endpoint, region, credentials } = server
    topics = new SNSClient({ endpoint: server.topicsEndpoint ?? endpoint, region, credentials })
    queues = new SQSClient({ endpoint, region, credentials })
  })
  afterAll(async () => {
    topics.destroy()
    queues.destroy()
    await server[Symbol.asyncDispose]()
  })

  /** A broker with a queue, subscribed to a topic of the same name. */
  async function bed(name: string): Promise<{ broker: Broker; work: Queue<string>; topicArn: string; queueUrl: string }> {
    const { endpoint, region, credentials } = server
    const work = queue<string>(name, { codec: text })
    const broker = createBroker({
      driver: sqs({ endpoint, region, credentials, waitTimeMs: 1_000, visibilityTimeoutMs: 2_000 }),
      destinations: [work],
      routes: { [name]: { options: { envelope: 'sns', policy } } },
      provision: 'create',
      log: () => undefined,
    })
    await broker.start()
    const { TopicArn: topicArn = '' } = await topics.send(new CreateTopicCommand({ Name: name }))
    const { QueueUrl: queueUrl = '' } = await queues.send(new GetQueueUrlCommand({ QueueName: name }))
    const { Attributes } = await queues.send(new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] }))
    await topics.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'sqs', Endpoint: Attributes?.['QueueArn'] }))
    return { broker, work, topicArn, queueUrl }
  }

  /**
   * Looks until so many dead letters are there. Not at counts: `fauxqs` ends visibility timeouts while somebody receives, and may have given messages to a poll that has
   * ended. On a busy machine a lease may end while one is moved, and then there is one more.
   */
  async function lettersOf(broker: Broker, work: Queue<string>, count: number): Promise<readonly DeadLetter[]> {
    let found: readonly DeadLetter[] = []
    const seen = (): number => new Set(found.map(({ body }) => bodyText(body))).size
    await vi.waitUntil(async () => (found = await broker.deadLetters(work).peek()) && seen() >= count, { timeout: 30_000, interval: 100 })
    return found
  }

  it('shows the message inside, with id, time, subject and attributes of all types', async () => {
    const { broker, work, topicArn } = await bed('inside')
    await using _broker = broker
    const before = Date.now()
    const { MessageId } = await topics.send(
      new PublishCommand({
        TopicArn: topicArn,
        Message: 'hello',
        Subject: 'greeting',
        MessageAttributes: {
          tenant: { DataType: 'String', StringValue: 'acmé' },
          n: { DataType: 'Number', StringValue: '42' },
          blob: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 1, 0xff) },
        },
      }),
    )
    const { promise, resolve } = Promise.withResolvers<Message<string>>()
    await broker.consume(work, (message) => resolve(message))
    const { body, headers, id, timestamp = 0 } = await promise
    expect({ body, id, headers: { ...headers } }).toEqual({
      body: 'hello',
      id: MessageId,
      headers: { subject: 'greeting', tenant: 'acmé', n: '42', blob: 'AAH/' },
    })
    expect(timestamp).toBeGreaterThanOrEqual(before - 1)
    expect(timestamp).toBeLessThanOrEqual(Date.now() + 1)
  })

  it('gives up what is no envelope as undecodable, bytes kept, also when it is redriven', async () => {
    const { broker, work, topicArn, queueUrl } = await bed('broken')
    await using _broker = broker
    const broken = ['{"Type":"Notification"}', 'plain  text', '{"orderId":"o-1"}']
    for (const body of broken) await queues.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }))
    await topics.send(new PublishCommand({ TopicArn: topicArn, Message: 'good' }))
    const seen: string[] = []
    await broker.consume(work, ({ body }) => void seen.push(body))
    for (const again of [false, true]) {
      if (again) await broker.deadLetters(work).redrive()
      const found = await lettersOf(broker, work, broken.length)
      expect([...new Set(found.map(({ body }) => bodyText(body)))].toSorted()).toEqual(broken.toSorted())
      for (const { headers, info } of found) {
        expect(info).toMatchObject({ errorName: 'BrokerError', reason: expect.stringContaining('busbar-envelope') })
        expect(headers['busbar-envelope']).toMatch(/^The body is not a message in the envelope of SNS: /)
      }
    }
    expect(seen).toEqual(['good'])
  })

  it('redrives what was in an envelope and failed', async () => {
    const { broker, work, topicArn } = await bed('again')
    await using _broker = broker
    await topics.send(new PublishCommand({ TopicArn: topicArn, Message: 'twice', Subject: 'greeting' }))
    let failing = true
    const { promise, resolve } = Promise.withResolvers<Message<string>>()
    const handler = (message: Message<string>): void => {
      if (failing) throw new Error('not yet')
      resolve(message)
    }
    await broker.consume(work, handler, { use: [retry({ maxAttempts: 1 })] })
    await lettersOf(broker, work, 1)
    failing = false
    await broker.deadLetters(work).redrive()
    const { body, headers } = await promise
    expect([body, { ...headers }]).toEqual(['twice', { subject: 'greeting' }])
  })
})
