import { DeleteStreamCommand, PutRecordCommand } from '@aws-sdk/client-kinesis'
import { createBroker, queue, stream, systemClock, text, topic, type AnyDefinition, type Broker, type BrokerOptions } from '@busbar/core'
import { aggregate, kinesis, kinesisGroup, kinesisWith, type KinesisOptions, type KinesisRouteOptions, type ShardLag } from '@busbar/kinesis'
import { memory, memoryStore } from '@busbar/memory'
import { afterAll, describe, it } from 'vitest'
import { startKinesis } from '../brokers/index.ts'
import { startKinesisGateway } from './support/kinesis-gateway.ts'
import { plainClient, region } from './support/read-stream.ts'
import { reshard } from './support/reshard.ts'

const bed = await startKinesis()
const account = { url: bed.url, credentials: bed.account() }
const client = plainClient(account)
afterAll(async () => {
  client.destroy()
  await bed[Symbol.asyncDispose]()
})

const store = memoryStore({ clock: systemClock })
const times = { leaseMs: 3_000, checkpointMs: 300, lookMs: 300, listMs: 1_000 }
const options: KinesisOptions = { endpoint: bed.url, region, credentials: account.credentials, store, readShare: 1, readIdleMs: 200, ...times }

interface Told {
  readonly level: string
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

function brokerOf(destinations: readonly AnyDefinition[], route: KinesisRouteOptions = {}, more: Partial<BrokerOptions> = {}, told: Told[] = []): Broker {
  const names = new Set(destinations.map((each) => (each.kind === 'subscription' ? each.of.name : each.name)))
  return createBroker({
    driver: kinesis(options),
    destinations,
    routes: Object.fromEntries([...names].map((name) => [name, { options: { capacity: { shards: 2 }, ...route }, deadLetter: 'drop' }])),
    provision: 'create',
    log: (level, event, data) => void told.push({ level, event, data }),
    ...more,
  })
}

const put = (StreamName: string, Data: Uint8Array, PartitionKey = 'foreign'): Promise<unknown> =>
  client.send(new PutRecordCommand({ StreamName, Data, PartitionKey }))
const patient = { timeout: 15_000, interval: 50 }

describe('what is received', { concurrent: true, timeout: 40_000 }, () => {
  it('from foreign producers is a message with its key, its position and its arrival; a corrupt aggregated record is a dead letter, byte for byte', async ({
    expect,
  }) => {
    const positions = stream<{ readonly km: number }>('foreign')
    const tracker = positions.subscription('tracker', { startFrom: 'earliest' })
    const place = memory()
    const told: Told[] = []
    await using broker = brokerOf(
      [positions, tracker],
      {},
      { routes: { foreign: { options: { capacity: { shards: 1 } }, deadLetter: { driver: place } } } },
      told,
    )
    await broker.start()
    const corrupt = Uint8Array.from(
      aggregate([
        { partitionKey: 'a', data: Buffer.from('{"km":3}') },
        { partitionKey: 'a', data: Buffer.from('{"km":4}') },
      ]),
    )
    corrupt[corrupt.length - 1] = (corrupt[corrupt.length - 1] ?? 0) ^ 1
    await put('foreign', Buffer.from('{"km":1}'), 'truck-7')
    await put('foreign', corrupt, 'truck-7')
    await put('foreign', Buffer.from('{"km":2}'), 'truck-7')
    const handled: { readonly km: number; readonly key: string | undefined; readonly timestamp: number | undefined; readonly id: string | undefined }[] = []
    await broker.consume(tracker, ({ body, orderingKey, timestamp, id }) => void handled.push({ km: body.km, key: orderingKey, timestamp, id }))
    await expect.poll(() => handled.map(({ km }) => km), patient).toEqual([1, 2])
    expect(handled[0]).toMatchObject({ key: 'truck-7', timestamp: expect.any(Number), id: expect.stringMatching(/^shardId-0{12}\/\d{50,}$/) })
    await expect.poll(() => told.map(({ event }) => event), patient).toContain('record:corrupt')
    await expect.poll(async () => (await broker.deadLetters(tracker).peek()).map(({ body }) => [...Buffer.from(body)]), patient).toEqual([[...corrupt]])
  })

  it.for([
    ['polling', false],
    ['fan-out', true],
  ] as const)('from a stream that is split and merged is everything once, in order of each key (%s)', async ([way, fanOut], { expect }) => {
    const name = `reshaped-${way}`
    const positions = stream<{ readonly truckId: string; readonly number: number }>(name, { orderingKey: ({ truckId }) => truckId })
    const tracker = positions.subscription('tracker', { startFrom: 'earliest' })
    // The emulator does not tell by fan-out that a shard has ended.
    await using gateway = await startKinesisGateway(bed.url)
    const driver = kinesis({ ...options, endpoint: gateway.url })
    await using broker = brokerOf([positions, tracker], { capacity: { shards: 3 }, aggregate: true, fanOut }, { driver })
    const handled: { readonly truckId: string; readonly number: number }[] = []
    await broker.consume(tracker, ({ body }) => void handled.push(body))
    const send = async (from: number): Promise<void> => {
      const all = Array.from({ length: 10 }, (_, index) => ['a', 'b', 'c', 'd', 'e'].map((truckId) => ({ truckId, number: from + index }))).flat()
      expect((await broker.producer(positions).sendBatch(all)).every(({ ok }) => ok)).toBe(true)
    }
    await send(0)
    const through = plainClient({ ...account, url: gateway.url })
    await reshard(through, name)
    through.destroy()
    await send(10)
    await expect.poll(() => handled.length, patient).toBe(100)
    for (const truck of ['a', 'b', 'c', 'd', 'e'])
      expect(handled.filter(({ truckId }) => truckId === truck).map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, index) => index))
  })

  it('by enhanced fan-out comes through the consumer that provisioning has registered', async ({ expect }) => {
    const news = topic('fanned-out', { codec: text })
    const reader = news.subscription('reader')
    const route = { capacity: { shards: 1 }, fanOut: true }
    await using broker = brokerOf([news, reader], route)
    await broker.start()
    expect(await brokerOf([news, reader], route).provision()).toMatchObject({ changes: [] })
    const handled: string[] = []
    await broker.consume(reader, ({ body }) => void handled.push(body))
    await broker.producer(news).send('one')
    await broker.producer(news).send('two')
    await expect.poll(() => handled.toSorted(), patient).toEqual(['one', 'two'])
  })

  it('from a queue is what was sent before anybody received, and each message goes to one consumer', async ({ expect }) => {
    const jobs = queue('jobs', { codec: text })
    await using one = brokerOf([jobs])
    await using two = brokerOf([jobs], {}, { provision: 'none' })
    await one.producer(jobs).send('early')
    const handled: string[] = []
    for (const broker of [one, two]) await broker.consume(jobs, ({ body }) => void handled.push(body))
    await one.producer(jobs).sendBatch(Array.from({ length: 20 }, (_, index) => `job-${index}`))
    await expect.poll(() => handled.length, patient).toBe(21)
    expect(new Set(handled).size).toBe(21)
  })
})

function sum(lags: readonly ShardLag[]): number {
  return lags.reduce((total, { records = NaN }) => total + records, 0)
}

describe('an operator', { concurrent: true, timeout: 40_000 }, () => {
  it('sees leases and lag, and replays: refused while others read, unless it is forced', async ({ expect }) => {
    const readings = stream('operated', { codec: text })
    const tracker = readings.subscription('tracker', { startFrom: 'earliest' })
    await using broker = brokerOf([readings, tracker])
    await using group = kinesisGroup({ ...options, stream: 'operated', subscription: 'tracker' })
    await broker.producer(readings).sendBatch(['one', 'two', 'three'])
    const waiting = await group.lag()
    expect(Math.max(...waiting.map(({ behindMs }) => behindMs))).toBeGreaterThan(0)
    expect(waiting.map(({ worker, records }) => [worker, records])).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ])
    expect(sum(await group.lag({ countUpTo: 10 }))).toBe(3)
    await expect(group.lag({ countUpTo: 0 })).rejects.toMatchObject({ code: 'ERR_CONFIGURATION', message: expect.stringContaining('countUpTo') })
    const handled: string[] = []
    const consumer = await broker.consume(tracker, ({ body }) => void handled.push(body))
    await expect.poll(() => handled.length, patient).toBe(3)
    await expect.poll(async () => (await group.leases()).map(({ state }) => state), patient).toEqual(['leased', 'leased'])
    await expect.poll(async () => (await broker.stats(tracker)).oldestAgeMs, patient).toBe(0)
    expect(sum(await group.lag({ countUpTo: 10 }))).toBe(0)
    await expect(group.replay('earliest')).rejects.toMatchObject({ code: 'ERR_CONFLICT', message: expect.stringContaining('force the replay') })
    await group.replay('earliest', { force: true })
    await expect.poll(() => handled.length, patient).toBe(6)
    await consumer.drain()
    expect(await group.beginning()).toEqual({ from: 'horizon' })
    await expect.poll(async () => (await group.leases()).map(({ state }) => state), patient).toEqual(['free', 'free'])
    await group.replay({ timestamp: Date.now() })
    await broker.consume(tracker, ({ body }) => void handled.push(body))
    await expect(group.replay({ position: '1' }, { force: true })).rejects.toMatchObject({ code: 'ERR_INVALID' })
    expect(handled).toHaveLength(6)
  })
})

describe('bad input', { concurrent: true, timeout: 40_000 }, () => {
  it('of a stream that is missing, or has another ARN, is told at start', async ({ expect }) => {
    const positions = stream('missing')
    const tracker = positions.subscription('tracker')
    const start = (name: string): Promise<void> =>
      brokerOf([positions, tracker], {}, { provision: 'verify', routes: { missing: { name, deadLetter: 'drop' } } }).start()
    await expect(start('missing')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', message: expect.stringContaining('stream missing') })
    const arn = `arn:aws:kinesis:${region}:999999999999:stream/missing`
    await expect(start(arn)).rejects.toMatchObject({ message: expect.stringContaining(arn) })
  })

  it('of a stream that is deleted and made anew while it is read ends the consumer with the reason', async ({ expect }) => {
    const positions = stream('short-lived', { codec: text })
    const tracker = positions.subscription('tracker', { startFrom: 'earliest' })
    const told: Told[] = []
    const oneShard = { capacity: { shards: 1 } }
    await using broker = brokerOf([positions, tracker], oneShard, {}, told)
    const handled: string[] = []
    const consumer = await broker.consume(tracker, ({ body }) => void handled.push(body))
    await broker.producer(positions).sendBatch(['one', 'two'])
    await expect.poll(() => handled.length, patient).toBe(2)
    await client.send(new DeleteStreamCommand({ StreamName: 'short-lived' }))
    await expect.poll(() => told.some(({ event, data }) => event === 'receiver:failed' && data['code'] === 'ERR_NOT_FOUND'), patient).toBe(true)
    expect((await broker.health()).ok).toBe(false)
    await using again = brokerOf([positions, tracker], oneShard)
    await again.start()
    await expect(consumer.closed).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', message: expect.stringContaining('made anew') })
    // The new one is read from where the subscription starts, whatever was written down of the old one.
    await again.producer(positions).send('three')
    await again.consume(tracker, ({ body }) => void handled.push(body))
    await expect.poll(() => handled, patient).toEqual(['one', 'two', 'three'])
  })

  it('of configuration without a store says what to give to connect', ({ expect }) => {
    const subscription = stream('unread').subscription('s')
    const broker = createBroker({ driver: kinesis.fromConfiguration({ region }), destinations: [subscription] })
    return expect(broker.start()).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED', message: expect.stringContaining('kinesisWith({ store })') })
  })

  it('of a queue without a store is told when it is consumed', async ({ expect }) => {
    const jobs = queue('no-store', { codec: text })
    const { store: _, ...without } = options
    await using broker = brokerOf([jobs], {}, { driver: kinesis(without) })
    await broker.producer(jobs).send('one')
    await expect(broker.consume(jobs, () => undefined)).rejects.toMatchObject({ code: 'ERR_CONFIGURATION', message: expect.stringContaining('@busbar/redis') })
    const handled: string[] = []
    await using other = brokerOf([jobs], {}, { driver: kinesisWith({ store })({ ...without }) })
    await other.consume(jobs, ({ body }) => void handled.push(body))
    await expect.poll(() => handled, patient).toEqual(['one'])
  })
})
