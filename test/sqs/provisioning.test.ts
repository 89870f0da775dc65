import { GetQueueAttributesCommand, GetQueueUrlCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import { CreateTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { queue, text, type Route } from '@busbar/core'
import { allowAccount, allowBucket, allowRule, allowTopic, type PolicyStatement, type SqsRouteOptions } from '@busbar/sqs'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { brokerOn, connection, unique, wire } from './support/wire.ts'

const client = new SQSClient(connection)
const sns = new SNSClient(connection)
afterAll(() => {
  client.destroy()
  sns.destroy()
})
beforeEach(() => wire.calls.reset())

const quiet: SqsRouteOptions & Readonly<Record<string, unknown>> = { retentionMs: 600_000 }
const topicArn = 'arn:aws:sns:eu-central-1:123456789012:order-placed'
const everybody = [
  allowTopic(topicArn),
  allowBucket('arn:aws:s3:::uploads', '123456789012'),
  allowRule('arn:aws:events:eu-central-1:123456789012:rule/nightly'),
  allowAccount('210987654321'),
]

async function attributesOf(name: string): Promise<Readonly<Record<string, string>>> {
  const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: name }))
  return (await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))).Attributes ?? {}
}

async function statementsOf(name: string): Promise<readonly PolicyStatement[]> {
  return (JSON.parse((await attributesOf(name))['Policy'] ?? '{"Statement":[]}') as { readonly Statement: readonly PolicyStatement[] }).Statement
}

/** Provisions a queue with these options and says what had to be done. */
async function provision(name: string, options: SqsRouteOptions, route: Route = {}): Promise<string[]> {
  const routes = { [name]: { ...route, options: options as Readonly<Record<string, unknown>> } }
  await using broker = brokerOn([queue<string>(name, { codec: text })], {}, { routes })
  return (await broker.provision()).changes.map(({ kind, resource }) => `${kind} ${resource}`)
}

describe('the access policy', () => {
  it('gets statements for topics, buckets, rules and accounts, beside those of others, and is not touched again', async () => {
    const name = unique('shared')
    await provision(name, {})
    const theirs = { Sid: 'theirs', Effect: 'Allow', Principal: '*', Action: 'sqs:ReceiveMessage', Resource: (await attributesOf(name))['QueueArn'] }
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: name }))
    const Policy = JSON.stringify({ Version: '2012-10-17', Id: 'ours-and-theirs', Statement: [theirs] })
    await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }))
    expect(await provision(name, { policy: everybody })).toEqual([`update queue ${name}`])
    expect(await statementsOf(name)).toEqual([theirs, ...everybody.map((statement) => ({ ...statement, Resource: theirs.Resource }))])
    wire.calls.reset()
    expect(await provision(name, { policy: everybody })).toEqual([])
    expect(wire.calls.count('SetQueueAttributes')).toBe(0)
    // What is not asked for any more stays: somebody else may need it by now.
    expect(await provision(name, { policy: [allowAccount('210987654321', ['sqs:SendMessage'])] })).toEqual([`update queue ${name}`])
    const after = await statementsOf(name)
    expect(after.map(({ Sid }) => Sid).toSorted()).toEqual(['theirs', ...everybody.map(({ Sid }) => Sid)].toSorted())
    expect(after.find(({ Sid }) => Sid === everybody[3]?.Sid)?.Action).toEqual(['sqs:SendMessage'])
  })

  it('lets a topic in, which delivers nothing without it', async () => {
    const [closed, open] = [unique('closed'), unique('open')]
    const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: unique('placed') }))
    await provision(closed, {})
    await provision(open, { policy: [allowTopic(TopicArn)] })
    for (const name of [closed, open]) {
      const Endpoint = (await attributesOf(name))['QueueArn']
      await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint, Attributes: { RawMessageDelivery: 'true' } }))
    }
    await sns.send(new PublishCommand({ TopicArn, Message: 'hello' }))
    const destination = queue<string>(open, { codec: text })
    await using broker = brokerOn([destination])
    const received: string[] = []
    await broker.consume(destination, ({ body }) => void received.push(body))
    await vi.waitUntil(() => received.length === 1, 5_000)
    expect(received).toEqual(['hello'])
    expect(await attributesOf(closed)).toMatchObject({ ApproximateNumberOfMessages: '0' })
  })

  it.each([
    [() => allowTopic('arn:aws:sqs:eu-central-1:123456789012:orders'), 'the ARN of a topic'],
    [() => allowBucket('uploads', '123456789012'), 'the ARN of a bucket'],
    [() => allowBucket('arn:aws:s3:::uploads', '12'), 'twelve digits'],
    [() => allowRule('nightly'), 'the ARN of a rule'],
    [() => allowAccount('*'), 'twelve digits'],
    [() => allowAccount('123456789012', ['sqs:*']), 'actions'],
  ])('lets nobody in by mistake: %s', (statement, words) => {
    expect(statement).toThrow(words)
  })
})

describe('attributes', () => {
  it('of a new queue are those that a route asks for, by the service’s own rules', async () => {
    const name = unique('encrypted')
    await provision(name, { encryption: { kmsKeyId: 'alias/orders', dataKeyReuseMs: 600_000 }, retentionMs: 3_600_000 })
    expect(await attributesOf(name)).toMatchObject({
      KmsMasterKeyId: 'alias/orders',
      KmsDataKeyReusePeriodSeconds: '600',
      SqsManagedSseEnabled: 'false',
      MessageRetentionPeriod: '3600',
    })
    expect(await provision(name, { encryption: 'sse-sqs' })).toEqual([`update queue ${name}`])
    expect(await attributesOf(name)).toMatchObject({ SqsManagedSseEnabled: 'true', MessageRetentionPeriod: '3600' })
    expect(await attributesOf(name)).not.toHaveProperty('KmsMasterKeyId')
    expect(await provision(name, { encryption: 'sse-sqs' })).toEqual([])
  })

  it('let SQS move what is delivered too often to the dead-letter queue, which keeps it for 14 days', async () => {
    const name = unique('netted')
    await provision(name, {}, { maxAttempts: 20 })
    const { RedrivePolicy = '{}' } = await attributesOf(name)
    expect(JSON.parse(RedrivePolicy)).toEqual({ deadLetterTargetArn: (await attributesOf(`${name}-dead`))['QueueArn'], maxReceiveCount: expect.anything() })
    expect(Number((JSON.parse(RedrivePolicy) as { maxReceiveCount: unknown }).maxReceiveCount)).toBe(200)
    expect(await attributesOf(`${name}-dead`)).toMatchObject({ MessageRetentionPeriod: '1209600' })
  })

  it('that let SQS move messages are refused where the route says that nothing is given up', async () => {
    const name = unique('kept')
    await provision(name, quiet)
    for (const route of [{ deadLetter: 'block' as const }, { deadLetter: 'drop' as const, nativeLimit: false as const }])
      await expect(provision(name, quiet, route)).rejects.toMatchObject({ code: 'ERR_CONFIGURATION', message: expect.stringContaining("deadLetter: 'block'") })
  })

  it('of a queue that differs are an error in mode verify, which lists every difference and changes nothing', async () => {
    const name = unique('differing')
    await provision(name, {})
    wire.calls.reset()
    const routes = { [name]: { options: { retentionMs: 3_600_000, policy: everybody } } }
    await using broker = brokerOn([queue<string>(name, { codec: text })], {}, { routes, provision: 'verify' })
    await expect(broker.start()).rejects.toMatchObject({ message: expect.stringMatching(/MessageRetentionPeriod[^]*access policy[^]*sqs:SetQueueAttributes/) })
    expect(Object.keys(wire.calls.byAction()).toSorted()).toEqual(['GetQueueAttributes', 'GetQueueUrl'])
  })
})
