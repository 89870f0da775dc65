import { KinesisClient } from '@aws-sdk/client-kinesis'
import type { Endpoint, LeaseStore } from '@busbar/core/driver'
import { NodeHttp2Handler, NodeHttpHandler } from '@smithy/node-http-handler'
import { expect, it } from 'vitest'
import { createClients } from './client.ts'
import { kinesis, kinesisWith } from './kinesis-driver.ts'
import { resolveOptions } from './options.ts'
import { endpoint, FakeKinesis, serviceError } from './test-support/fake-kinesis.ts'

const never = new AbortController().signal

function described(summary: object): FakeKinesis {
  const fake = new FakeKinesis()
  fake.on('DescribeStreamSummary', () => ({ StreamDescriptionSummary: { StreamStatus: 'ACTIVE', ...summary } }))
  return fake
}

/** As far as a driver looks at it before it is used. */
const store = Object.fromEntries(['claim', 'renew', 'complete', 'release', 'scan', 'save'].map((name) => [name, () => undefined])) as unknown as LeaseStore

it('asks for room behind a record that takes long, with keys and without', () => {
  expect([false, true].map((keyed) => kinesis().leastInFlight?.(endpoint({ keyed })))).toEqual([1_000, 1_000])
})

it('sends to streams, topics and queues in order per key, and receives nothing without a store for leases', async () => {
  for (const kind of ['stream', 'topic', 'queue'] as const)
    expect(kinesis().capabilities(endpoint({ kind }))).toMatchObject({
      kind,
      ordering: 'key',
      lease: false,
      settlement: false,
      subscriptions: false,
      maxHeaders: 0,
    })
  expect(kinesis().capabilities(endpoint({ options: { envelope: true } }))).toMatchObject({ maxHeaders: false })
  const { receiver } = await new FakeKinesis().link()
  expect(() => receiver !== false && receiver(endpoint({ kind: 'queue' }), {} as never, { messages: 1, bytes: 1 })).toThrow(
    expect.objectContaining({ code: 'ERR_CONFIGURATION', message: expect.stringMatching(/memoryStore.*@busbar\/redis.*@busbar\/dynamodb.*kinesisWith/) }),
  )
})

it('receives with a store: streams with replay, topics by subscriptions, queues by one', () => {
  const of = (kind: Endpoint['kind']): object => kinesis({ store }).capabilities(endpoint({ kind, ...(kind !== 'queue' && { subscription: { name: 's' } }) }))
  const shared = {
    lease: { kind: 'scope', maxHoldMs: false },
    settlement: { mode: 'prefix', maxBatch: 1_000, lingerMs: 0 },
    keyHold: 'process',
    delay: false,
    filter: 'none',
  }
  expect(of('stream')).toMatchObject({ ...shared, subscriptions: 'durable', replay: { earliest: true, timestamp: true, position: true } })
  expect(of('topic')).toMatchObject({ ...shared, subscriptions: 'durable', replay: false, redrive: 'none' })
  expect(of('queue')).toMatchObject({ ...shared, subscriptions: false, replay: false, redrive: 'copy' })
})

it('puts what dead letters say of themselves into an envelope', () => {
  expect(kinesis().capabilities(endpoint({ kind: 'queue', deadLettersOf: endpoint() }))).toMatchObject({ maxHeaders: false })
})

it('has a store by configuration through kinesisWith', () => {
  const subscription = endpoint({ subscription: { name: 's' } })
  for (const driver of [
    kinesisWith({ store }).fromUrl(new URL('kinesis://eu-central-1?leaseMs=5000')),
    kinesisWith({ store }).fromConfiguration({ readShare: 0.2 }),
  ])
    expect(driver.capabilities(subscription)).not.toHaveProperty('refused')
  expect(kinesis.fromUrl(new URL('kinesis:')).capabilities(subscription)).toMatchObject({ remedy: expect.stringContaining('kinesisWith({ store })') })
})

it.each([
  ['a subscription without a store', { subscription: { name: 'tracker' } }, 'no store for leases'],
  ['an illegal name', { name: 'a b' }, 'letters, digits'],
  ['a name that is too long', { name: 'x'.repeat(129) }, 'letters, digits'],
  ['a stream of another region', { name: 'arn:aws:kinesis:us-east-1:123456789012:stream/positions' }, 'us-east-1'],
])('refuses %s with the reason', (_what, parts, text) => {
  expect(kinesis({ region: 'eu-central-1' }).capabilities(endpoint(parts))).toEqual({ refused: expect.stringContaining(text), remedy: expect.any(String) })
})

it.each([
  ['with an illegal name', { name: 'a/b' }, 'letters, digits'],
  ['that starts from no position', { name: 's', startFrom: { position: 'x' } }, 'no position'],
  ['that starts before all times', { name: 's', startFrom: { timestamp: -1 } }, 'no time'],
  ['that starts after all times', { name: 's', startFrom: { timestamp: 1e300 } }, 'no time'],
])('refuses a subscription %s', (_what, subscription, text) => {
  expect(kinesis({ store }).capabilities(endpoint({ subscription }))).toEqual({ refused: expect.stringContaining(text), remedy: expect.any(String) })
})

it('tells streams and their subscriptions apart, by name or ARN', () => {
  const arn = 'arn:aws:kinesis:us-east-1:123456789012:stream/positions'
  const driver = kinesis()
  const addresses = [endpoint(), endpoint({ subscription: { name: 's' } }), endpoint({ name: arn })].map((each) => driver.address(each))
  expect(addresses).toEqual(['stream positions', 'stream positions, subscription s', `stream ${arn}`])
})

it('names a stream in calls as the route does', async () => {
  const fake = new FakeKinesis()
  const link = await fake.link()
  const arn = 'arn:aws:kinesis:us-east-1:123456789012:stream/positions'
  await link.inspect(endpoint(), never)
  await link.inspect(endpoint({ name: arn }), never)
  expect(fake.calls.map(({ input }) => input)).toEqual([{ StreamName: 'positions' }, { StreamARN: arn }])
})

it('is narrowed to the largest record of the stream, and to no order where the stream distributes records by itself', async () => {
  const inspected = async (summary: object, options: Record<string, unknown> = {}): Promise<object> =>
    (await described(summary).link()).inspect(endpoint({ options, keyed: true }), never)
  expect(await inspected({})).toMatchObject({ maxMessageBytes: 1_048_576, ordering: 'key' })
  const large = { maxRecordBytes: 4_194_304 }
  expect(await inspected({ MaxRecordSizeInKiB: 2_048 }, large)).toMatchObject({ maxMessageBytes: 2_097_152 })
  expect(await inspected({ MaxRecordSizeInKiB: 10_240 }, large)).toMatchObject({ maxMessageBytes: 4_194_304 })
  expect(await inspected({ RecordDistributionStrategy: 'USER_PARTITION_KEY' })).toMatchObject({ ordering: 'key' })
  expect(await inspected({ RecordDistributionStrategy: 'AUTO' })).toMatchObject({ ordering: 'none' })
  await expect(inspected({ RecordDistributionStrategy: 'AUTO' }, { aggregate: true })).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' })
})

it.each([
  ['CREATING', 'ERR_UNAVAILABLE', true],
  ['DELETING', 'ERR_NOT_FOUND', false],
])('does not take a stream that is %s', async (StreamStatus, code, retryable) => {
  await expect((await described({ StreamStatus }).link()).inspect(endpoint(), never)).rejects.toMatchObject({ code, retryable })
})

it('says which stream is missing', async () => {
  const fake = new FakeKinesis()
  fake.on('DescribeStreamSummary', () => {
    throw serviceError('ResourceNotFoundException', 'Stream positions under account 123456789012 not found.')
  })
  await expect((await fake.link()).inspect(endpoint(), never)).rejects.toMatchObject({
    code: 'ERR_NOT_FOUND',
    message: expect.stringContaining('stream positions'),
  })
})

it('is as healthy as its latest call', async () => {
  const fake = new FakeKinesis()
  const link = await fake.link()
  fake.on('DescribeStreamSummary', () => {
    throw Object.assign(new Error('reset'), { code: 'ECONNRESET' })
  })
  await expect(link.inspect(endpoint(), never)).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
  expect(link.health()).toMatchObject({ state: 'reconnecting' })
  fake.on('DescribeStreamSummary', () => ({ StreamDescriptionSummary: { StreamStatus: 'ACTIVE' } }))
  await link.inspect(endpoint(), never)
  expect(link.health()).toEqual({ state: 'connected' })
  await link.close()
  expect(link.health()).toEqual({ state: 'closed' })
})

it('keeps its connections, and has others for subscriptions: by HTTP/2, and in clear text by HTTP/1.1', () => {
  const handlersOf = (endpoint: string): readonly unknown[] => {
    const { main, subscribing, destroy } = createClients(resolveOptions({ endpoint, region: 'eu-central-1' }))
    destroy()
    return [main, subscribing].map(({ config }) => config.requestHandler)
  }
  expect(handlersOf('https://kinesis.example.com')).toEqual([expect.any(NodeHttpHandler), expect.any(NodeHttp2Handler)])
  const [main, subscribing] = handlersOf('http://127.0.0.1:4567')
  expect([main, subscribing]).toEqual([expect.any(NodeHttpHandler), expect.any(NodeHttpHandler)])
  expect(main).not.toBe(subscribing)
})

it('refuses a client that repeats calls by itself', async () => {
  const client = new KinesisClient({ region: 'eu-central-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, maxAttempts: 3 })
  const services = { clock: new FakeKinesis().clock, random: () => 0.5, log: () => undefined, meter: () => undefined }
  await expect(kinesis({ client }).connect(services, never)).rejects.toMatchObject({
    code: 'ERR_CONFIGURATION',
    message: 'kinesis: the client makes 3 attempts of each call, which core repeats as well; build it with maxAttempts: 1',
  })
})

it('leaves a client of its own alive', async () => {
  const client = new KinesisClient({ region: 'eu-central-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, maxAttempts: 1 })
  let destroyed = false
  client.destroy = () => void (destroyed = true)
  const fake = new FakeKinesis()
  const link = await kinesis({ client }).connect({ clock: fake.clock, random: () => 0.5, log: () => undefined, meter: () => undefined }, never)
  expect(link.native).toBe(client)
  await link.close()
  expect(destroyed).toBe(false)
})
