import { deadLetter, queue, retryLater, text, topic, type BrokerOptions } from '@busbar/core'
import { requiredPolicy, sns } from '@busbar/sns'
import { sqs, type IamPolicy, type SqsRole } from '@busbar/sqs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { accountId, startSnsBed, type SnsBed } from './support/bed.ts'

let bed: SnsBed
beforeEach(async () => void (bed = await startSnsBed()))
afterEach(() => bed[Symbol.asyncDispose]())

const placed = topic<string>('placed', { codec: text })
const billing = placed.subscription('billing')

/** IAM checks single messages, whatever the number in a call. */
const actionsOfCalls: Readonly<Record<string, string>> = {
  PublishBatch: 'sns:Publish',
  SendMessageBatch: 'sqs:SendMessage',
  DeleteMessageBatch: 'sqs:DeleteMessage',
  ChangeMessageVisibilityBatch: 'sqs:ChangeMessageVisibility',
}
const ofTopics = /Topic|Subscri/
/** IAM ties them to no topic. */
const untied = /SubscriptionAttributes$/

/** What was called, as a policy says it. */
function called(): string[] {
  const pairs = bed.wire.calls.pairs().map(({ action, resource }) => {
    const name = actionsOfCalls[action] ?? `${ofTopics.test(action) ? 'sns' : 'sqs'}:${action}`
    return `${name} ${untied.test(action) ? '*' : resource}`
  })
  return [...new Set(pairs)].toSorted()
}

function allowed({ Statement }: IamPolicy): string[] {
  const pairs = Statement.flatMap(({ Action, Resource }) => Action.flatMap((action) => Resource.map((arn) => `${action} ${arn.split(':').at(-1)}`)))
  return pairs.toSorted()
}

/** Of a program with a subscription, whose dead letters are on SQS. */
function optionsOf(provision: BrokerOptions['provision'] = 'none'): BrokerOptions {
  const { endpoint, region, credentials } = bed.wire
  const queues = sqs({ endpoint, region, credentials, waitTimeMs: 1_000 })
  const routes = { placed: { driver: sns(bed.options), deadLetter: { driver: queues } } }
  return { driver: queues, destinations: [placed, billing], routes, provision, log: () => undefined }
}

function policy(roles: Readonly<Record<string, readonly SqsRole[]>>, provision: BrokerOptions['provision'] = 'none'): string[] {
  return allowed(requiredPolicy(optionsOf(provision), { account: accountId, region: bed.wire.region, roles }))
}

async function run(work: (broker: ReturnType<SnsBed['broker']>) => Promise<unknown>, provision: BrokerOptions['provision'] = 'none'): Promise<string[]> {
  bed.wire.calls.reset()
  const { driver: _, destinations, ...options } = optionsOf(provision)
  const broker = bed.broker(destinations, options)
  await work(broker)
  await broker.drain()
  return called()
}

async function provision(): Promise<void> {
  await run((broker) => broker.start(), 'create')
}

describe('the policy that is printed allows what is called, and nothing else', () => {
  it('to start in mode create', async () => {
    const calls = await run((broker) => broker.start(), 'create')
    // There was no subscription that could have been looked at or changed.
    const later = ['sns:GetSubscriptionAttributes *', 'sns:SetSubscriptionAttributes *']
    expect([...calls, ...later].toSorted()).toEqual(policy({}, 'create'))
  })

  it.each(['verify', 'none'] as const)('to start in mode %s', async (mode) => {
    await provision()
    expect(await run((broker) => broker.start(), mode)).toEqual(policy({}, mode))
  })

  it('to send', async () => {
    await provision()
    expect(await run((broker) => broker.producer(placed).send('hello'))).toEqual(policy({ placed: ['send'] }))
  })

  it('to consume, with retries and dead letters, and to redrive them', async () => {
    await provision()
    await run((broker) => broker.producer(placed).sendBatch(['done', 'later', 'dead']))
    const seen = new Set<string>()
    const consuming = await run(async (broker) => {
      await broker.consume(billing, ({ body }) => {
        seen.add(body)
        return body === 'dead' ? deadLetter('no') : body === 'later' ? retryLater(10_000) : undefined
      })
      await vi.waitUntil(() => seen.size === 3, 5_000)
    })
    expect(consuming).toEqual(policy({ 'placed.billing': ['consume'] }))
    const redriving = await run(async (broker) => {
      const letters = broker.deadLetters(billing)
      expect(await letters.peek()).toHaveLength(1)
      await letters.redrive()
    })
    expect(redriving).toEqual(policy({ 'placed.billing': ['redrive'] }))
  })
})

describe('the policy that is printed', () => {
  const orders = queue<string>('orders', { codec: text })
  const region = 'eu-central-1'

  it('has what the queues beside the topics need, and the keys of topics, queues and places', () => {
    const queues = sqs({ region })
    const place = { driver: queues, options: { encryption: { kmsKeyId: 'place' } } }
    const options = { kmsKeyId: 'topic', subscriptions: { billing: { encryption: { kmsKeyId: 'queue' } } } }
    const routes = { placed: { driver: sns({ region }), deadLetter: place, options }, orders: { deadLetter: 'drop' as const } }
    const roles = { placed: ['send'], 'placed.billing': ['consume'], orders: ['send'] } as const
    const found = allowed(requiredPolicy({ driver: queues, destinations: [placed, billing, orders], routes }, { account: accountId, roles }))
    expect(found.filter((pair) => pair.startsWith('kms:') || pair.includes('SendMessage'))).toEqual([
      'kms:Decrypt key/place',
      'kms:Decrypt key/queue',
      'kms:Decrypt key/topic',
      'kms:GenerateDataKey key/place',
      'kms:GenerateDataKey key/topic',
      'sqs:SendMessage orders',
      'sqs:SendMessage placed-billing-dead',
    ])
  })

  it('names topics by their ARNs, as routes do', () => {
    const routes = { placed: { driver: sns({ region }), name: 'arn:aws:sns:eu-west-1:111122223333:theirs' } }
    const { Statement } = requiredPolicy(
      { driver: sqs({ region }), destinations: [placed], routes },
      { account: accountId, roles: { placed: ['send'] }, provision: 'create' },
    )
    expect(Statement).toEqual([{ Effect: 'Allow', Action: ['sns:GetTopicAttributes', 'sns:Publish'], Resource: ['arn:aws:sns:eu-west-1:111122223333:theirs'] }])
  })

  it('is refused for what is not there, with the nearest name', () => {
    const options = { driver: sqs({ region }), destinations: [placed, billing], routes: { placed: { driver: sns({ region }), deadLetter: 'drop' as const } } }
    expect(() => requiredPolicy(options, { account: accountId, roles: { 'placed.biling': ['consume'] } })).toThrow(/no destination.*'placed\.billing'/)
    expect(() => requiredPolicy(options, { account: accountId, roles: { placed: ['consume'] } })).toThrow(/no role 'consume' for placed/)
    expect(() => requiredPolicy({ ...options, routes: { placed: { driver: sns(), deadLetter: 'drop' } } }, { account: accountId, roles: {} })).toThrow(
      /set region/,
    )
  })
})
