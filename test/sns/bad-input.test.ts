import { DeleteTopicCommand } from '@aws-sdk/client-sns'
import { GetQueueUrlCommand, SendMessageCommand } from '@aws-sdk/client-sqs'
import { queue, text, topic, type BrokerOptions } from '@busbar/core'
import { sns } from '@busbar/sns'
import { sqs } from '@busbar/sqs'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { startSnsBed, type SnsBed } from './support/bed.ts'

let bed: SnsBed
beforeEach(async () => void (bed = await startSnsBed()))
afterEach(async () => {
  vi.unstubAllEnvs()
  await bed[Symbol.asyncDispose]()
})

const news = topic<string>('news', { codec: text })
const inbox = news.subscription('inbox')
const routes = { news: { deadLetter: 'drop' as const } }

/** A machine that knows neither region, nor credentials, nor account. */
function withoutIdentity(): void {
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE', 'AWS_ACCOUNT_ID'])
    vi.stubEnv(name, undefined)
  for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, '/nonexistent')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
}

it.each([
  ['region', { region: undefined }],
  ['credentials', { credentials: undefined }],
  ['accountId', { accountId: undefined }],
])('says that there is no %s before anything is sent', async (missing, options) => {
  withoutIdentity()
  const { endpoint, region, credentials, accountId } = { ...bed.options, ...options }
  const given = { endpoint, region, credentials, accountId }
  const driver = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  await using broker = bed.broker([news], { driver: sns(driver) })
  await expect(broker.start()).rejects.toMatchObject({ code: 'ERR_CONFIGURATION', driver: 'sns', message: expect.stringContaining(missing) })
})

it('refuses queues and streams, and says where to route them', async () => {
  await using broker = bed.broker([queue<string>('work')])
  await expect(broker.start()).rejects.toMatchObject({
    code: 'ERR_UNSUPPORTED',
    message: expect.stringMatching(/SNS has no queues.*route it to the sqs driver/),
  })
})

it('refuses a subscription whose dead letters would be on SNS, and says what to write', async () => {
  await using broker = bed.broker([inbox])
  await expect(broker.start()).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED', message: expect.stringMatching(/deadLetter: \{ driver \}/) })
})

it('names the topic that is missing, and makes none unless it is told to', async () => {
  await using broker = bed.broker([news], { provision: 'verify' })
  await expect(broker.start()).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', message: expect.stringContaining('topic news') })
  expect(bed.wire.calls.count('CreateTopic')).toBe(0)
})

it('says that a topic is gone while it is sent to, and goes on when it is there again', async () => {
  await using broker = bed.broker([news, inbox], { routes })
  const producer = broker.producer(news)
  await producer.send('before')
  await bed.sns.send(new DeleteTopicCommand({ TopicArn: bed.topicArn('news') }))
  await expect(producer.send('into nowhere', { timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', driver: 'sns' })
  await broker.provision({ mode: 'create' })
  await producer.send('after')
  const seen: string[] = []
  await broker.consume(inbox, ({ body }) => void seen.push(body))
  await vi.waitUntil(() => seen.length === 2, 5_000)
  expect(seen.sort()).toEqual(['after', 'before'])
})

it.each([
  ['GetTopicAttributes', 'verify'],
  ['ListSubscriptionsByTopic', 'verify'],
  ['GetSubscriptionAttributes', 'verify'],
  ['CreateTopic', 'create'],
  ['Subscribe', 'create'],
] as const)('says what was denied: %s', async (action, provision) => {
  if (provision === 'verify') {
    await using first = bed.broker([inbox], { routes })
    await first.start()
  }
  bed.wire.faults.add({ action, times: Infinity, fault: { kind: 'error', name: 'AuthorizationError' } })
  await using broker = bed.broker([inbox], { routes, provision })
  await expect(broker.start()).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED', driver: 'sns', message: expect.stringContaining('news') })
})

it('says that publishing was denied, and does not try again', async () => {
  await using broker = bed.broker([news], { routes })
  await broker.start()
  bed.wire.faults.add({ action: 'PublishBatch', times: Infinity, fault: { kind: 'error', name: 'AuthorizationError' } })
  await expect(broker.producer(news).send('m')).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED', retryable: false })
  expect(bed.wire.calls.count('PublishBatch')).toBe(1)
})

it.each(['Throttled', 'KMSThrottling', 'InternalError'])('waits and sends again after %s', async (name) => {
  await using broker = bed.broker([news, inbox], { routes })
  await broker.start()
  bed.wire.faults.add({ action: 'PublishBatch', times: 2, fault: { kind: 'error', name } })
  await broker.producer(news).send('m')
  expect(bed.wire.calls.count('PublishBatch')).toBe(3)
  expect(await bed.messages('news-inbox')).toHaveLength(1)
})

it.each<[string, BrokerOptions['routes'], string]>([
  ['spaces', { news: { name: 'no spaces' } }, 'letters, digits'],
  ['too long', { news: { name: 'x'.repeat(257) } }, '1 to 256'],
  ['another region', { news: { name: 'arn:aws:sns:us-west-2:000000000000:news' } }, 'us-west-2'],
])('refuses a name at start: %s', async (_what, names, problem) => {
  await using broker = bed.broker([news], { routes: names ?? {} })
  await expect(broker.start()).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED', message: expect.stringContaining(problem) })
  expect(bed.wire.calls.count('CreateTopic')).toBe(0)
})

it.each([
  ['too large', 'x'.repeat(262_145), {}, 'ERR_TOO_LARGE'],
  ['delayed', 'm', { delayMs: 1_000 }, 'ERR_UNSUPPORTED'],
  ['mortal', 'm', { timeToLiveMs: 1_000 }, 'ERR_UNSUPPORTED'],
  ['important', 'm', { priority: 1 }, 'ERR_UNSUPPORTED'],
])('refuses a message that is %s, and sends nothing', async (_what, body, options, code) => {
  await using broker = bed.broker([news])
  await broker.start()
  await expect(broker.producer(news).send(body, options)).rejects.toMatchObject({ code })
  expect(bed.wire.calls.count('PublishBatch')).toBe(0)
})

it('passes on that SNS has no room for another subscription or filter', async () => {
  for (const [name, code] of [
    ['SubscriptionLimitExceeded', 'ERR_CONFLICT'],
    ['FilterPolicyLimitExceeded', 'ERR_CONFLICT'],
  ] as const) {
    bed.wire.faults.add({ action: 'Subscribe', fault: { kind: 'error', name } })
    await using broker = bed.broker([inbox], { routes })
    await expect(broker.start()).rejects.toMatchObject({ code, driver: 'sns', message: expect.stringContaining('news.inbox') })
  }
})

it('gives up a broken envelope as undecodable, and handles what comes after it', async () => {
  const options = { subscriptions: { inbox: { raw: false } } }
  const { endpoint, region, credentials } = bed.wire
  const deadLetter = { driver: sqs({ endpoint, region, credentials, waitTimeMs: 1_000 }), destination: 'news-inbox-dead' }
  await using broker = bed.broker([news, inbox], { routes: { news: { deadLetter, options } } })
  const seen: string[] = []
  await broker.consume(inbox, ({ body }) => void seen.push(body))
  const { QueueUrl } = await bed.sqs.send(new GetQueueUrlCommand({ QueueName: 'news-inbox' }))
  for (const MessageBody of ['{"Type":"Notification"', '{"Type":"Notification","Message":7}', 'plain'])
    await bed.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }))
  await broker.producer(news).send('whole')
  await vi.waitUntil(async () => (await broker.deadLetters(inbox).peek()).length === 3, 10_000)
  expect(seen).toEqual(['whole'])
  const reasons = (await broker.deadLetters(inbox).peek()).map(({ info }) => info?.errorMessage)
  expect(reasons).toEqual(Array.from({ length: 3 }, () => expect.stringContaining('envelope')))
})
