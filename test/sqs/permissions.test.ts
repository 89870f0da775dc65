import { deadLetter, queue, retryLater, text, type BrokerOptions, type Queue, type StandardSchema } from '@busbar/core'
import { requiredPolicy, sqs, type IamPolicy, type SqsRole } from '@busbar/sqs'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { brokerOn, connection, unique, wire } from './support/wire.ts'

const anyText: StandardSchema<string> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: String(value) }) } }
const account = '000000000000'
const quiet = { retentionMs: 600_000 }

beforeEach(() => wire.calls.reset())

/** IAM checks single messages, whatever the number in a call. */
const actionsOfCalls: Readonly<Record<string, string>> = {
  SendMessageBatch: 'sqs:SendMessage',
  DeleteMessageBatch: 'sqs:DeleteMessage',
  ChangeMessageVisibilityBatch: 'sqs:ChangeMessageVisibility',
}

/** What was called, as a policy says it. `deadQueue`: a cancellation names its task alone. */
function called(deadQueue = ''): string[] {
  const pairs = wire.calls.pairs().map(({ action, resource }) => {
    const name = resource === '' ? deadQueue : resource.replace(/^busbar-reply-.*/, 'busbar-reply-*')
    return `${actionsOfCalls[action] ?? `sqs:${action}`} ${name}`
  })
  return [...new Set(pairs)].toSorted()
}

function allowed({ Statement }: IamPolicy): string[] {
  const pairs = Statement.flatMap(({ Action, Resource }) => Action.flatMap((action) => Resource.map((arn) => `${action} ${arn.split(':').at(-1)}`)))
  return pairs.toSorted()
}

interface Site {
  readonly work: Queue<string>
  readonly options: BrokerOptions & Required<Pick<BrokerOptions, 'routes'>>
  readonly policy: (roles: readonly SqsRole[], provision?: BrokerOptions['provision']) => string[]
}

/** A FIFO queue that is there, or a new one. */
async function site({ isNew = false } = {}): Promise<Site> {
  const name = unique('work')
  const work = queue<string>(name, { codec: text, orderingKey: (body) => body })
  const routes = { [name]: { options: quiet } }
  const options = { driver: sqs(connection), destinations: [work], routes }
  if (!isNew) await using(brokerOn([work], {}, { routes }), (broker) => broker.start())
  wire.calls.reset()
  return { work, options, policy: (roles, provision = 'none') => allowed(requiredPolicy(options, { account, roles: { [name]: roles }, provision })) }
}

async function using<T extends AsyncDisposable>(resource: T, work: (resource: T) => Promise<unknown>): Promise<void> {
  await using held = resource
  await work(held)
}

describe('the policy that is printed allows what is called, and nothing else', () => {
  it.each(['create', 'verify', 'none'] as const)('to start in mode %s', async (provision) => {
    const { work, options, policy } = await site({ isNew: provision === 'create' })
    await using(brokerOn([work], {}, { routes: options.routes, provision }), (broker) => broker.start())
    expect(called()).toEqual(policy([], provision))
    expect(called().filter((pair) => pair.includes(':List'))).toEqual([])
  })

  it('to send', async () => {
    const { work, options, policy } = await site()
    await using(brokerOn([work], {}, { routes: options.routes, provision: 'none' }), (broker) => broker.producer(work).send('hello'))
    expect(called()).toEqual(policy(['send']))
  })

  it('to consume, with retries and dead letters, and to drain', async () => {
    const { work, options, policy } = await site()
    await using(brokerOn([work], {}, { routes: options.routes }), (broker) => broker.producer(work).sendBatch(['done', 'later', 'dead']))
    wire.calls.reset()
    const seen = new Set<string>()
    const broker = brokerOn([work], {}, { routes: options.routes, provision: 'none' })
    await broker.consume(work, ({ body }) => {
      seen.add(body)
      return body === 'dead' ? deadLetter('no') : body === 'later' ? retryLater(10_000) : undefined
    })
    await vi.waitUntil(() => seen.size === 3, 5_000)
    await broker.drain()
    expect(called()).toEqual(policy(['consume']))
  })

  it('to look at dead letters, to redrive and to discard them', async () => {
    const { work, options, policy } = await site()
    const broker = brokerOn([work], {}, { routes: options.routes, provision: 'none' })
    await bury(work, options, ['a', 'b'])
    wire.calls.reset()
    const letters = broker.deadLetters(work)
    expect(await letters.peek()).toHaveLength(2)
    await letters.redrive({ max: 1 })
    await letters.discard()
    await broker.drain()
    expect(called()).toEqual(policy(['redrive']))
  })

  it('to let SQS move them, and to stop that', async () => {
    const { work, options, policy } = await site()
    await bury(work, options, ['a', 'b', 'c', 'd'])
    wire.calls.reset()
    const broker = brokerOn([work], {}, { routes: options.routes, provision: 'none' })
    const stop = new AbortController()
    const onProgress = (): void => stop.abort()
    await expect(broker.deadLetters(work).redrive({ native: true, to: work, ratePerSecond: 1, onProgress, signal: stop.signal })).rejects.toThrow()
    await broker.drain()
    // SQS asks on its own whether who starts a task may do what the task does.
    const byService = ['ReceiveMessage', 'DeleteMessage', 'ChangeMessageVisibility'].map((action) => `sqs:${action} ${work.name}-dead.fifo`)
    expect([...called(`${work.name}-dead.fifo`), ...byService, `sqs:SendMessage ${work.name}.fifo`].toSorted()).toEqual(policy(['move']))
  })

  it('to ask and to answer', async () => {
    const name = unique('quotes')
    const quotes = queue(name, { schema: anyText, reply: anyText })
    await using(brokerOn([quotes]), (broker) => broker.start())
    const policy = (roles: readonly SqsRole[]): string[] =>
      allowed(requiredPolicy({ driver: sqs(connection), destinations: [quotes] }, { account, roles: { [name]: roles }, provision: 'none' }))
    const [asking, answering] = [brokerOn([quotes], {}, { provision: 'none' }), brokerOn([quotes], {}, { provision: 'none' })]
    await answering.consume(quotes, ({ body }) => body.toUpperCase())
    wire.calls.reset()
    expect(await asking.request(quotes, 'x')).toBe('X')
    await asking.drain()
    await answering.drain()
    // Nothing of either goes wrong here: there is nothing to be hidden or given back, nor to be given up.
    const atTimes = [`sqs:ChangeMessageVisibility ${name}`, 'sqs:ChangeMessageVisibility busbar-reply-*', `sqs:SendMessage ${name}-dead`]
    const wanted = [...new Set([...policy(['send']), ...policy(['consume'])])].filter((pair) => !atTimes.includes(pair))
    const looked = wanted.filter((pair) => /GetQueue(Url|Attributes)/.test(pair))
    expect([...new Set([...called(), ...looked])].toSorted()).toEqual(wanted.toSorted())
  })
})

describe('the policy that is printed', () => {
  const orders = queue<string>('orders', { codec: text })

  it('names queues of other accounts and regions as the route does, and groups what is allowed alike', () => {
    const routes = { orders: { name: 'arn:aws:sqs:eu-west-1:111122223333:theirs', deadLetter: 'drop' as const } }
    const policy = requiredPolicy({ driver: sqs(), destinations: [orders], routes }, { account, roles: { orders: ['send'] } })
    expect(policy).toEqual({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: ['sqs:GetQueueAttributes', 'sqs:GetQueueUrl', 'sqs:SendMessage'], Resource: ['arn:aws:sqs:eu-west-1:111122223333:theirs'] },
      ],
    })
  })

  it('allows the key of an encrypted queue, an alias by condition, and the age of messages where CloudWatch is given', () => {
    const driver = sqs({ region: 'eu-central-1', cloudWatch: { getMetricStatistics: async () => ({}) } })
    const statements = (kmsKeyId: string, deadLetter: 'drop' | object = 'drop'): unknown =>
      requiredPolicy(
        { driver, destinations: [orders], routes: { orders: { deadLetter, options: { encryption: { kmsKeyId } } } } },
        { account, roles: { orders: ['consume'] } },
      ).Statement.filter(({ Action }) => Action.some((action) => !action.startsWith('sqs:')))
    const cloudWatch = { Effect: 'Allow', Action: ['cloudwatch:GetMetricStatistics'], Resource: ['*'] }
    const keys = `arn:aws:kms:eu-central-1:${account}:key`
    expect(statements('1234')).toEqual([{ Effect: 'Allow', Action: ['kms:Decrypt'], Resource: [`${keys}/1234`] }, cloudWatch])
    const Condition = { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/orders' } }
    expect(statements('alias/orders')).toEqual([{ Effect: 'Allow', Action: ['kms:Decrypt'], Resource: [`${keys}/*`], Condition }, cloudWatch])
    // The dead-letter queue has the same key, and is sent to.
    expect(statements('1234', {})).toEqual([{ Effect: 'Allow', Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: [`${keys}/1234`] }, cloudWatch])
  })

  it('is refused for what is not there, with the nearest name', () => {
    const options = { driver: sqs({ region: 'eu-central-1' }), destinations: [orders] }
    expect(() => requiredPolicy(options, { account, roles: { order: ['send'] } })).toThrow(/no destination 'order'.*'orders'/)
    expect(() => requiredPolicy(options, { account, roles: { orders: ['sent' as 'send'] } })).toThrow(/no role 'sent'.*'send'/)
    expect(() => requiredPolicy(options, { account: '12', roles: {} })).toThrow(/twelve digits/)
    expect(() => requiredPolicy({ ...options, driver: sqs() }, { account, roles: {} })).toThrow(/set region/)
  })
})

async function bury(work: Queue<string>, { routes }: Site['options'], bodies: readonly string[]): Promise<void> {
  const broker = brokerOn([work], {}, { routes })
  const seen = new Set<string>()
  await broker.consume(work, ({ body }) => {
    seen.add(body)
    return deadLetter('no')
  })
  await broker.producer(work).sendBatch(bodies)
  await vi.waitUntil(() => seen.size === bodies.length, 5_000)
  await broker.drain()
}
