import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'
import type { Link, Services } from '@busbar/core/driver'
import { systemClock } from '@busbar/core'
import { expect, it } from 'vitest'
import { sns } from './sns-driver.ts'
import { subscribed } from './test-support/endpoint.ts'

type Input = Readonly<Record<string, string | undefined>>
type Answers = Readonly<Record<string, (input: Input) => unknown>>

const region = 'eu-central-1'
const credentials = { accessKeyId: 'a', secretAccessKey: 's' }
const queueArn = `arn:aws:sqs:${region}:123456789012:order-placed-billing`
const never = new AbortController().signal

/** What SNS may answer of a topic with its queues in place, of which `answers` tells the rest. */
async function linkOf(answers: Answers): Promise<{ readonly link: Link; readonly calls: string[] }> {
  const calls: string[] = []
  const answering = <C extends SNSClient | SQSClient>(client: C): C =>
    Object.assign(client, {
      send: async (command: { readonly input: Input }) => {
        const name = command.constructor.name.replace(/Command$/, '')
        calls.push(name)
        const QueueName = command.input['QueueName'] ?? command.input['QueueUrl']?.split('/').at(-1) ?? ''
        const usual: Record<string, unknown> = {
          GetTopicAttributes: { Attributes: {} },
          GetQueueUrl: { QueueUrl: `https://sqs.${region}.amazonaws.com/123456789012/${QueueName}` },
          GetQueueAttributes: { Attributes: { QueueArn: `arn:aws:sqs:${region}:123456789012:${QueueName}` } },
        }
        return answers[name]?.(command.input) ?? usual[name] ?? {}
      },
    })
  const client = answering(new SNSClient({ region, credentials, maxAttempts: 1 }))
  const queueClient = answering(new SQSClient({ region, credentials, maxAttempts: 1 }))
  const services: Services = { clock: systemClock, random: () => 0.5, log: () => undefined, meter: () => undefined }
  return { link: await sns({ client, queueClient, accountId: '123456789012' }).connect(services, never), calls }
}

it('refuses clients that repeat calls by themselves', async () => {
  const services: Services = { clock: systemClock, random: () => 0.5, log: () => undefined, meter: () => undefined }
  const [one, three] = [1, 3].map((maxAttempts) => ({
    client: new SNSClient({ region, credentials, maxAttempts }),
    queueClient: new SQSClient({ region, credentials, maxAttempts }),
  }))
  const mixed = { client: one!.client, queueClient: three!.queueClient }
  for (const [clients, name] of [
    [three!, 'sns'],
    [mixed, 'sqs'],
  ] as const)
    await expect(sns(clients).connect(services, never)).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION',
      message: `${name}: the client makes 3 attempts of each call, which core repeats as well; build it with maxAttempts: 1`,
    })
})

const billing = subscribed({ options: { subscriptions: { billing: { undelivered: false } } } })

it('looks through all pages of the subscriptions of a topic, and no further than it must', async () => {
  const tokens: unknown[] = []
  const { link, calls } = await linkOf({
    ListSubscriptionsByTopic: ({ NextToken }) => {
      tokens.push(NextToken)
      const page = tokens.length
      const others = [
        { Protocol: 'https', Endpoint: queueArn, SubscriptionArn: 'arn:other' },
        { Protocol: 'sqs', Endpoint: queueArn, SubscriptionArn: 'Deleted' },
      ]
      return { Subscriptions: page === 2 ? [{ Protocol: 'sqs', Endpoint: queueArn, SubscriptionArn: 'arn:found' }] : others, NextToken: `page-${page + 1}` }
    },
    GetSubscriptionAttributes: ({ SubscriptionArn }) => ({ Attributes: { RawMessageDelivery: String(SubscriptionArn === 'arn:found') } }),
  })
  const changes = await link.topology?.plan([billing], never)
  expect(changes?.filter(({ resource }) => resource.startsWith('subscription'))).toEqual([])
  expect(tokens).toEqual([undefined, 'page-2'])
  expect(calls.filter((name) => name === 'GetSubscriptionAttributes')).toHaveLength(1)
})

it('says that the owner of a queue has to confirm its subscription, and does not subscribe it again', async () => {
  const { link, calls } = await linkOf({
    ListSubscriptionsByTopic: () => ({ Subscriptions: [{ Protocol: 'sqs', Endpoint: queueArn, SubscriptionArn: 'PendingConfirmation' }] }),
  })
  expect(await link.topology?.plan([billing], never)).toContainEqual({
    resource: 'subscription order-placed.billing',
    kind: 'missing',
    text: expect.stringMatching(/owner of the queue .*order-placed-billing has to confirm/),
  })
  await link.topology?.apply([billing], [], never)
  expect(calls).not.toContain('Subscribe')
  expect(calls).not.toContain('SetSubscriptionAttributes')
})

it('takes a subscription whose policy is no JSON for one with another policy', async () => {
  const { link } = await linkOf({
    ListSubscriptionsByTopic: () => ({ Subscriptions: [{ Protocol: 'sqs', Endpoint: queueArn, SubscriptionArn: 'arn:found' }] }),
    GetSubscriptionAttributes: () => ({ Attributes: { RawMessageDelivery: 'true', FilterPolicy: 'no JSON' } }),
  })
  const filtered = { ...billing, subscription: { name: 'billing', headerFilter: { tenant: ['acme'] } } }
  expect(await link.topology?.plan([filtered], never)).toContainEqual(expect.objectContaining({ kind: 'update', text: expect.stringContaining('no JSON') }))
})

it('passes on what it may not see instead of taking it for missing', async () => {
  const denied = Object.assign(new Error('not authorized'), { name: 'AuthorizationErrorException', $metadata: { httpStatusCode: 403 } })
  for (const name of ['GetTopicAttributes', 'ListSubscriptionsByTopic']) {
    const { link } = await linkOf({
      [name]: () => {
        throw denied
      },
    })
    await expect(link.topology?.plan([billing], never)).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED', driver: 'sns' })
  }
})

it('tells the health of both services', async () => {
  const broken = Object.assign(new Error('reset'), { code: 'ECONNRESET' })
  let failing = 'GetTopicAttributes'
  const { link } = await linkOf({
    GetTopicAttributes: () => {
      if (failing === 'GetTopicAttributes') throw broken
    },
    GetQueueUrl: () => {
      if (failing === 'GetQueueUrl') throw broken
    },
  })
  const topic = { ...billing, subscription: undefined } as never
  expect(link.health()).toEqual({ state: 'connected' })
  await link.inspect(topic, never).catch(() => undefined)
  expect(link.health()).toMatchObject({ state: 'reconnecting', error: { driver: 'sns' } })
  failing = 'GetQueueUrl'
  await link.inspect(topic, never)
  expect(link.health()).toEqual({ state: 'connected' })
  await link.inspect(billing, never).catch(() => undefined)
  expect(link.health()).toMatchObject({ state: 'reconnecting', error: { driver: 'sqs' } })
  await link.close()
  expect(link.health()).toEqual({ state: 'closed' })
})
