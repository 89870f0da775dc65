import { CreateTopicCommand, GetTopicAttributesCommand, SetSubscriptionAttributesCommand, SubscribeCommand } from '@aws-sdk/client-sns'
import { CreateQueueCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs'
import { text, topic, type AnyDefinition } from '@busbar/core'
import { sqs } from '@busbar/sqs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startSnsBed, type SnsBed } from './support/bed.ts'

let bed: SnsBed
beforeEach(async () => void (bed = await startSnsBed()))
afterEach(() => bed[Symbol.asyncDispose]())

interface Placed {
  readonly total: number
  readonly note?: string
}

const placed = topic<Placed>('placed')
const billing = placed.subscription('billing')
const route = { deadLetter: 'drop' as const }

it('makes topic, queues, policies and subscription, and finds nothing to do when it is asked again', async () => {
  await using broker = bed.broker([placed, billing], { routes: { placed: route } })
  const { changes } = await broker.provision({ mode: 'create' })
  expect(changes.map(({ kind, resource, permission }) => [kind, resource, permission])).toEqual([
    ['create', 'topic placed', 'sns:CreateTopic'],
    ['create', 'queue placed-billing-undelivered', 'sqs:CreateQueue'],
    ['create', 'queue placed-billing', 'sqs:CreateQueue'],
    ['create', 'subscription placed.billing', 'sns:Subscribe'],
  ])
  expect(await bed.subscription('placed', 'placed-billing')).toMatchObject({
    RawMessageDelivery: 'true',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: bed.queueArn('placed-billing-undelivered') }),
  })
  expect(await bed.queueAttributes('placed-billing-undelivered')).toMatchObject({ MessageRetentionPeriod: '1209600' })
  expect(JSON.parse((await bed.queueAttributes('placed-billing'))['Policy'] ?? '')).toMatchObject({
    Statement: [
      {
        Sid: expect.stringMatching(/^[A-Za-z0-9]+$/),
        Effect: 'Allow',
        Principal: { Service: 'sns.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: bed.queueArn('placed-billing'),
        Condition: { ArnEquals: { 'aws:SourceArn': bed.topicArn('placed') } },
      },
    ],
  })
  await using again = bed.broker([placed, billing], { routes: { placed: route }, provision: 'verify' })
  await again.start()
  expect((await again.provision({ mode: 'create' })).changes).toEqual([])
})

it('says all that is missing in mode verify, and makes nothing', async () => {
  await using broker = bed.broker([placed, billing], { routes: { placed: route }, provision: 'verify' })
  const failure = await broker.start().catch((error: unknown) => error as Error)
  expect(failure).toMatchObject({ code: 'ERR_NOT_FOUND' })
  for (const part of ['topic placed', 'queue placed-billing ', 'subscription placed.billing', 'sns:CreateTopic', 'sns:Subscribe'])
    expect(String(failure)).toContain(part)
  for (const action of ['CreateTopic', 'CreateQueue', 'Subscribe', 'SetQueueAttributes']) expect(bed.wire.calls.count(action)).toBe(0)
})

it('makes FIFO topics with FIFO queues for ordering keys', async () => {
  const keyed = topic<Placed>('keyed', { orderingKey: ({ total }) => `${total}` })
  await using broker = bed.broker([keyed.subscription('billing')], { routes: { keyed: { ...route, options: { highThroughput: true } } } })
  await broker.start()
  const { Attributes } = await bed.sns.send(new GetTopicAttributesCommand({ TopicArn: bed.topicArn('keyed.fifo') }))
  expect(Attributes).toMatchObject({ FifoTopic: 'true', FifoThroughputScope: 'MessageGroup', ContentBasedDeduplication: 'false' })
  expect(await bed.queueAttributes('keyed-billing.fifo')).toMatchObject({ FifoQueue: 'true', FifoThroughputLimit: 'perMessageGroupId' })
  expect(await bed.subscription('keyed.fifo', 'keyed-billing.fifo')).toMatchObject({ RawMessageDelivery: 'true' })
})

it('adds its statement to the policy of a queue of others, by its id, and lets several topics send to one queue', async () => {
  const theirs = { Sid: 'theirs', Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage', Resource: bed.queueArn('shared') }
  const { QueueUrl } = await bed.sqs.send(new CreateQueueCommand({ QueueName: 'shared' }))
  await bed.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: JSON.stringify({ Version: '2012-10-17', Statement: [theirs] }) } }))
  const others = topic<Placed>('others')
  const options = { subscriptions: { all: { queue: 'shared', undelivered: false as const } } }
  const destinations = [placed.subscription('all'), others]
  await using broker = bed.broker(destinations, { routes: { placed: { ...route, options }, others: route } })
  await broker.start()
  // Two subscriptions of one program cannot have one queue: another program has the other.
  await using second = bed.broker([others.subscription('all')], { routes: { others: { ...route, options } } })
  await second.start()
  const { Statement } = JSON.parse((await bed.queueAttributes('shared'))['Policy'] ?? '') as { readonly Statement: readonly { readonly Sid: string }[] }
  expect(Statement[0]).toEqual(theirs)
  expect(new Set(Statement.map(({ Sid }) => Sid)).size).toBe(3)
  await broker.producer(placed).send({ total: 1 })
  await broker.producer(others).send({ total: 2 })
  expect(new Set((await bed.messages('shared')).map(({ Body }) => Body))).toEqual(new Set(['{"total":1}', '{"total":2}']))
})

it('changes the filter of a subscription, from one scope to the other and to none', async () => {
  const start = async (subscription: AnyDefinition): Promise<readonly string[]> => {
    await using broker = bed.broker([subscription], { routes: { placed: route } })
    const { changes } = await broker.provision({ mode: 'create' })
    return changes.filter(({ resource }) => resource.startsWith('subscription')).map(({ kind, text }) => `${kind}: ${text}`)
  }
  const filters = async (): Promise<unknown> => {
    const { FilterPolicy, FilterPolicyScope } = (await bed.subscription('placed', 'placed-billing')) ?? {}
    return [FilterPolicy, FilterPolicyScope]
  }
  await start(placed.subscription('billing', { headerFilter: { tenant: ['acme', { prefix: 'x' }] } }))
  expect(await filters()).toEqual(['{"tenant":["acme",{"prefix":"x"}]}', 'MessageAttributes'])
  const tiered = topic<{ customer: { tier: string } }>('placed').subscription('billing', { filter: { customer: { tier: ['gold'] } } })
  expect(await start(tiered)).toEqual([expect.stringMatching(/^update: .*bodies.*15 minutes/)])
  expect(await filters()).toEqual(['{"customer":{"tier":["gold"]}}', 'MessageBody'])
  expect(await start(billing)).toEqual([expect.stringContaining('End the filter')])
  expect(await start(billing)).toEqual([])
  expect(((await filters()) as unknown[])[0]).toBeUndefined()
})

it('knows a policy again, however it is written', async () => {
  const { TopicArn } = await bed.sns.send(new CreateTopicCommand({ Name: 'placed' }))
  await using first = bed.broker([billing], { routes: { placed: route } })
  await first.start()
  const subscription = (await bed.subscription('placed', 'placed-billing'))?.['SubscriptionArn']
  await bed.sns.send(new SetSubscriptionAttributesCommand({ SubscriptionArn: subscription, AttributeName: 'FilterPolicyScope', AttributeValue: 'MessageBody' }))
  await bed.sns.send(
    new SetSubscriptionAttributesCommand({ SubscriptionArn: subscription, AttributeName: 'FilterPolicy', AttributeValue: '{ "b" : ["y","x"],\n"total":[1] }' }),
  )
  const same = topic<{ total: number; b: string }>('placed').subscription('billing', { filter: { total: [1], b: ['x', 'y'] } })
  await using second = bed.broker([same], { routes: { placed: route }, provision: 'verify' })
  await second.start()
  expect(TopicArn).toBe(bed.topicArn('placed'))
})

it('leaves a place for what cannot be delivered that somebody else has chosen, and turns raw delivery on', async () => {
  const { TopicArn } = await bed.sns.send(new CreateTopicCommand({ Name: 'placed' }))
  for (const QueueName of ['placed-billing', 'ops']) await bed.sqs.send(new CreateQueueCommand({ QueueName }))
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: bed.queueArn('ops') })
  await bed.sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: bed.queueArn('placed-billing'), Attributes: { RedrivePolicy } }))
  await using broker = bed.broker([billing], { routes: { placed: route } })
  await broker.start()
  expect(await bed.subscription('placed', 'placed-billing')).toMatchObject({ RedrivePolicy, RawMessageDelivery: 'true' })
})

it('puts what cannot be delivered into the queue for it, as what exceeds the receives if that is asked for', async () => {
  const options = { subscriptions: { billing: { maxReceiveCount: 100 } } }
  await using broker = bed.broker([billing], { routes: { placed: { ...route, options } } })
  await broker.start()
  expect(JSON.parse((await bed.queueAttributes('placed-billing'))['RedrivePolicy'] ?? '')).toEqual({
    deadLetterTargetArn: bed.queueArn('placed-billing-undelivered'),
    maxReceiveCount: '100',
  })
  const { QueueUrl } = await bed.sqs.send(new CreateQueueCommand({ QueueName: 'placed-billing' }))
  await bed.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { MaximumMessageSize: '1024' } }))
  await broker.producer(placed).send({ total: 1, note: 'x'.repeat(2_000) })
  await broker.producer(placed).send({ total: 2 })
  expect((await bed.messages('placed-billing')).map(({ Body }) => Body)).toEqual(['{"total":2}'])
  expect(await bed.messages('placed-billing-undelivered')).toMatchObject([{ Body: expect.stringContaining('"total":1') }])
})

it('encrypts the queue for what cannot be delivered as that of the subscription', async () => {
  const options = { subscriptions: { billing: { encryption: { kmsKeyId: 'alias/placed' } } } }
  await using broker = bed.broker([billing], { routes: { placed: { ...route, options } } })
  await broker.start()
  for (const queue of ['placed-billing', 'placed-billing-undelivered'])
    expect(await bed.queueAttributes(queue)).toMatchObject({ KmsMasterKeyId: 'alias/placed' })
})

it('encrypts the dead letters of a subscription, which are in a queue of another driver, as its route says', async () => {
  const { endpoint, region, credentials } = bed.wire
  const deadLetter = { driver: sqs({ endpoint, region, credentials }), options: { encryption: { kmsKeyId: 'alias/placed' } } }
  await using broker = bed.broker([billing], { routes: { placed: { deadLetter } } })
  await broker.start()
  expect(await bed.queueAttributes('placed-billing-dead')).toMatchObject({ KmsMasterKeyId: 'alias/placed' })
})

it('gives up nothing by itself where the route says that all is kept', async () => {
  const options = { subscriptions: { billing: { maxReceiveCount: 200 } } }
  for (const kept of [{ nativeLimit: false as const, deadLetter: 'drop' as const }, { deadLetter: 'block' as const }]) {
    await using broker = bed.broker([billing], { routes: { placed: { ...kept, options } } })
    await expect(broker.start()).rejects.toMatchObject({ message: expect.stringContaining('nativeLimit: false') })
  }
})

it('subscribes a standard queue to a FIFO topic, which then has no order, and hands on what the key was', async () => {
  const keyed = topic<string>('audited', { codec: text, orderingKey: (body) => body })
  const options = { fifo: true, subscriptions: { audit: { fifo: false } } }
  const strict = bed.broker([keyed.subscription('audit')], { routes: { audited: { ...route, options } } })
  await expect(strict.start()).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED', message: expect.stringContaining('messages in order') })
  await strict.close()
  const audit = keyed.subscription('audit')
  await using broker = bed.broker([audit], { routes: { audited: { ...route, options, ordering: 'best-effort' } } })
  const seen: unknown[] = []
  await broker.consume(audit, ({ body, orderingKey }) => void seen.push([body, orderingKey]))
  await broker.producer(keyed).send('k-1')
  await expect.poll(() => seen, { timeout: 5_000 }).toEqual([['k-1', 'k-1']])
})

it('opens the envelope of a subscription without raw delivery', async () => {
  const options = { subjectHeader: 'about', subscriptions: { billing: { raw: false } } }
  await using broker = bed.broker([billing], { routes: { placed: { ...route, options } } })
  const seen: unknown[] = []
  await broker.consume(billing, ({ body, headers, id }) => void seen.push([body, { ...headers }, id]))
  await broker.producer(placed).send({ total: 1 }, { headers: { tenant: 'acmé', about: 'An order' } })
  await expect.poll(() => seen, { timeout: 5_000 }).toEqual([[{ total: 1 }, { tenant: 'acmé', about: 'An order', subject: 'An order' }, expect.any(String)]])
  expect(await bed.subscription('placed', 'placed-billing')).toMatchObject({ RawMessageDelivery: 'false' })
})

it('does not make a topic that a route names by an ARN', async () => {
  await using broker = bed.broker([placed], { routes: { placed: { name: bed.topicArn('elsewhere') } } })
  await expect(broker.start()).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', message: expect.stringContaining('who owns its name') })
  await bed.sns.send(new CreateTopicCommand({ Name: 'elsewhere' }))
  await using later = bed.broker([placed], { routes: { placed: { name: bed.topicArn('elsewhere') } } })
  await later.producer(placed).send({ total: 1 })
  expect(bed.wire.calls.count('PublishBatch', 'elsewhere')).toBe(1)
})
