import type { Change, Endpoint, Topology } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import { allowAccount } from './allow.ts'
import { endpoint, FakeSqs, serviceError } from './test-support/fake-sqs.ts'

const never = new AbortController().signal

/** A service with queues, by their names. */
function withQueues(queues: Record<string, Record<string, string>>): FakeSqs {
  const fake = new FakeSqs()
  const nameIn = (url: unknown): string => String(url).split('/').at(-1) ?? ''
  fake.on('GetQueueUrl', ({ QueueName }) => {
    if (queues[String(QueueName)] === undefined) throw serviceError('QueueDoesNotExist')
    return { QueueUrl: `https://sqs.eu-central-1.amazonaws.com/123456789012/${String(QueueName)}` }
  })
  fake.on('GetQueueAttributes', ({ QueueUrl }) => ({ Attributes: { QueueArn: arnOf(nameIn(QueueUrl)), ...queues[nameIn(QueueUrl)] } }))
  fake.on('CreateQueue', ({ QueueName, Attributes }) => void (queues[String(QueueName)] = Object.assign({}, Attributes)))
  fake.on('SetQueueAttributes', ({ QueueUrl, Attributes }) => void Object.assign(queues[nameIn(QueueUrl)] ?? {}, Attributes))
  return fake
}

function arnOf(name: string): string {
  return `arn:aws:sqs:eu-central-1:123456789012:${name}`
}

async function topologyOf(fake: FakeSqs): Promise<Topology> {
  const { topology } = await fake.link()
  if (topology === undefined) throw new TypeError('the driver has a topology')
  return topology
}

async function plan(fake: FakeSqs, ...endpoints: readonly Endpoint[]): Promise<readonly Change[]> {
  return (await topologyOf(fake)).plan(endpoints, never)
}

const source = endpoint({ deadLetterName: 'orders.dead', maxAttempts: 20 })
const place = endpoint({ destination: 'orders.dead', name: 'orders.dead' })

it('creates dead-letter queues first, with the longest retention, and lets the source move what is delivered too often', async () => {
  const queues = {}
  const fake = withQueues(queues)
  const topology = await topologyOf(fake)
  expect((await topology.plan([source, place], never)).map(({ kind, resource }) => [kind, resource])).toEqual([
    ['create', 'queue orders-dead'],
    ['create', 'queue orders'],
  ])
  await topology.apply([source, place], [], never)
  expect(queues).toEqual({
    'orders-dead': { MessageRetentionPeriod: '1209600' },
    orders: { RedrivePolicy: `{"deadLetterTargetArn":"${arnOf('orders-dead')}","maxReceiveCount":"200"}` },
  })
  expect(await topology.plan([source, place], never)).toEqual([])
})

it('gives a FIFO queue a FIFO queue for what SQS itself moves', async () => {
  const queues = {}
  const fake = withQueues(queues)
  await (await topologyOf(fake)).apply([{ ...source, keyed: true, options: { highThroughput: true } }, place], [], never)
  expect(queues).toMatchObject({
    'orders.fifo': { FifoQueue: 'true', DeduplicationScope: 'messageGroup', FifoThroughputLimit: 'perMessageGroupId' },
    'orders-dead.fifo': { FifoQueue: 'true', MessageRetentionPeriod: '1209600' },
    'orders-dead': { MessageRetentionPeriod: '1209600' },
  })
  expect(queues).toHaveProperty(['orders.fifo', 'RedrivePolicy'], expect.stringContaining(arnOf('orders-dead.fifo')))
})

it('encrypts new dead-letter queues as their source, and leaves those that are there', async () => {
  const encrypted = { ...source, options: { encryption: { kmsKeyId: 'alias/orders' } } }
  const deadLetters = { ...place, deadLettersOf: encrypted }
  const queues: Record<string, Record<string, string>> = {}
  await (await topologyOf(withQueues(queues))).apply([encrypted, deadLetters], [], never)
  expect(queues).toMatchObject({
    orders: { KmsMasterKeyId: 'alias/orders' },
    'orders-dead': { KmsMasterKeyId: 'alias/orders', MessageRetentionPeriod: '1209600' },
  })
  const alone: Record<string, Record<string, string>> = {}
  await (await topologyOf(withQueues(alone))).apply([encrypted], [], never)
  expect(alone).toHaveProperty(['orders-dead', 'KmsMasterKeyId'], 'alias/orders')
  expect(await plan(withQueues({ ...queues, 'orders-dead': {} }), encrypted, deadLetters)).toEqual([])
})

it('gives a dead-letter queue what its own options ask for', async () => {
  const encrypted = { ...source, options: { encryption: { kmsKeyId: 'alias/orders' } } }
  const queues: Record<string, Record<string, string>> = {}
  const options = { encryption: 'sse-sqs', retentionMs: 600_000 }
  await (await topologyOf(withQueues(queues))).apply([encrypted, { ...place, options, deadLettersOf: encrypted }], [], never)
  expect(queues).toHaveProperty('orders-dead', { SqsManagedSseEnabled: 'true', MessageRetentionPeriod: '600' })
})

it('needs two permissions to verify, and lists nothing', async () => {
  const fake = withQueues({ orders: {}, 'orders-dead': {} })
  await plan(fake, source, place)
  expect(new Set(fake.calls.map(({ name }) => name))).toEqual(new Set(['GetQueueUrl', 'GetQueueAttributes']))
})

it('changes only what a route asks for', async () => {
  const queues = { orders: { MessageRetentionPeriod: '345600', VisibilityTimeout: '30' } }
  const fake = withQueues(queues)
  const asking = endpoint({ options: { retentionMs: 600_000, encryption: { kmsKeyId: 'alias/orders', dataKeyReuseMs: 300_000 } } })
  const topology = await topologyOf(fake)
  expect((await topology.plan([asking], never)).map(({ kind, permission }) => [kind, permission])).toEqual([
    ['update', 'sqs:SetQueueAttributes'],
    ['update', 'sqs:SetQueueAttributes'],
    ['update', 'sqs:SetQueueAttributes'],
  ])
  await topology.apply([asking], [], never)
  expect(queues.orders).toEqual({
    MessageRetentionPeriod: '600',
    VisibilityTimeout: '30',
    KmsMasterKeyId: 'alias/orders',
    KmsDataKeyReusePeriodSeconds: '300',
  })
  expect(await plan(fake, endpoint())).toEqual([])
})

it('leaves a redrive policy that is there, and says so where it would move messages too early', async () => {
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arnOf('other'), maxReceiveCount: 3 })
  const queues = { orders: { RedrivePolicy }, 'orders-dead': {} }
  const fake = withQueues(queues)
  const topology = await topologyOf(fake)
  expect(await topology.plan([source], never)).toMatchObject([{ kind: 'conflict', text: expect.stringContaining('at least 200') }])
  await topology.apply([source], [], never)
  expect(queues.orders).toEqual({ RedrivePolicy })
  await expect((await fake.link()).inspect(source, never)).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
  expect(await topology.plan([{ ...source, maxAttempts: 0 }], never)).toEqual([])
})

it('does not serve a route without a native limit by a queue that moves messages all the same', async () => {
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arnOf('orders-dead'), maxReceiveCount: 1_000 })
  const fake = withQueues({ orders: { RedrivePolicy }, 'orders-dead': {} })
  const link = await fake.link()
  await expect(link.inspect(endpoint({ maxAttempts: 0 }), never)).rejects.toMatchObject({
    code: 'ERR_CONFIGURATION',
    message: expect.stringContaining('nativeLimit: false'),
  })
  await expect(link.inspect(endpoint({ maxAttempts: 10 }), never)).resolves.toBeDefined()
  // A dead-letter place of its own, for attempts that nobody has told.
  await expect(link.inspect({ ...source, maxAttempts: 0 }, never)).resolves.toBeDefined()
  await expect(link.inspect({ ...place, name: 'orders', deadLettersOf: source }, never)).resolves.toBeDefined()
})

it('puts statements into the access policy by their ids and leaves all others', async () => {
  const theirs = { Sid: 'theirs', Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage', Resource: arnOf('orders') }
  const old = { ...theirs, Sid: 'ours', Action: 'sqs:*' }
  const odd = { ...theirs, Sid: { toString: 'no text' } }
  const queues = { orders: { Policy: JSON.stringify({ Version: '2008-10-17', Id: 'x', Statement: [old, theirs, odd] }) } }
  const fake = withQueues(queues)
  const ours = { Sid: 'ours', Effect: 'Allow', Principal: { Service: 'sns.amazonaws.com' }, Action: 'sqs:SendMessage' }
  const asking = endpoint({ options: { policy: [ours] } })
  const topology = await topologyOf(fake)
  expect(await topology.plan([asking], never)).toMatchObject([{ kind: 'update', text: expect.stringContaining('ours') }])
  await topology.apply([asking], [], never)
  expect(JSON.parse(queues.orders.Policy)).toEqual({ Version: '2008-10-17', Id: 'x', Statement: [theirs, odd, { ...ours, Resource: arnOf('orders') }] })
  expect(await topology.plan([asking], never)).toEqual([])
})

it('finds the statement for an account again where AWS has kept the ARN of its root in place of the number', async () => {
  const statement = allowAccount('210987654321')
  const queues = { orders: { Policy: '' } }
  const fake = withQueues(queues)
  const asking = endpoint({ options: { policy: [statement] } })
  const topology = await topologyOf(fake)
  await topology.apply([asking], [], never)
  queues.orders.Policy = queues.orders.Policy.replace('"210987654321"', '"arn:aws:iam::210987654321:root"')
  expect(queues.orders.Policy).toContain(':root')
  expect(await topology.plan([asking], never)).toEqual([])
  queues.orders.Policy = queues.orders.Policy.replace('210987654321:root', '210987654321:user/somebody')
  expect(await topology.plan([asking], never)).toMatchObject([{ kind: 'update' }])
})

it('adds nothing to an access policy that it cannot read', async () => {
  const fake = withQueues({ orders: { Policy: 'not JSON' } })
  const asking = endpoint({ options: { policy: [{ Sid: 's', Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage' }] } })
  await expect(plan(fake, asking)).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
})

it('says who may not look, instead of taking it for a queue that is missing', async () => {
  const fake = withQueues({})
  fake.on('GetQueueUrl', () => {
    throw serviceError('AccessDeniedException', 'no', 403)
  })
  await expect(plan(fake, source)).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED' })
})
