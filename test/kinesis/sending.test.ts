import { DeleteStreamCommand, DescribeStreamSummaryCommand } from '@aws-sdk/client-kinesis'
import { connect, createBroker, stream, text, topic, type Broker, type Stream } from '@busbar/core'
import { kinesis, type KinesisOptions, type KinesisRouteOptions } from '@busbar/kinesis'
import { afterAll, describe, expect, it } from 'vitest'
import { startKinesis } from '../brokers/index.ts'
import { until } from '../brokers/core/until.ts'
import { startLossyGateway, type Fate } from './support/lossy-gateway.ts'
import { countRecords, plainClient, readStream, region, type ReadRecord } from './support/read-stream.ts'
import { reshard } from './support/reshard.ts'

// The emulator is slow: some hundred records per stream. Throttles, partial failures and limits of requests it does not have; the driver's unit tests show those.

const bed = await startKinesis()
const account = { url: bed.url, credentials: bed.account() }
const client = plainClient(account)
afterAll(async () => {
  client.destroy()
  await bed[Symbol.asyncDispose]()
})

const driver = (options: KinesisOptions = {}): ReturnType<typeof kinesis> =>
  kinesis({ endpoint: bed.url, region, credentials: account.credentials, ...options })

interface Position {
  readonly truckId: string
  readonly number: number
}

const truckIds = Array.from({ length: 10 }, (_, index) => `truck_${index}`)

function positionsNamed(name: string): Stream<Position> {
  return stream<Position>(name, { orderingKey: ({ truckId }) => truckId, messageId: ({ truckId, number }) => `${truckId}-${number}` })
}

function brokerOf(positions: Stream<Position>, options: KinesisRouteOptions = {}, through: KinesisOptions = {}): Broker {
  return createBroker({
    driver: driver(through),
    destinations: [positions],
    routes: { [positions.name]: { options: { capacity: { shards: 3 }, ...options } } },
    provision: 'create',
  })
}

/** Round after round, one position of every truck. */
async function sendRounds(broker: Broker, positions: Stream<Position>, from: number, count: number): Promise<void> {
  const all = Array.from({ length: count }, (_, round) => truckIds.map((truckId) => ({ truckId, number: from + round }))).flat()
  const results = await broker.producer(positions).sendBatch(all)
  expect(results.filter(({ ok }) => !ok)).toEqual([])
}

/** The numbers of each truck in the order in which they are read, without repeats. */
function numbersByTruck(records: readonly ReadRecord[]): Record<string, number[]> {
  const numbers: Record<string, number[]> = {}
  for (const { key, text: body } of records) {
    const position = JSON.parse(body) as Position
    expect(position.truckId).toBe(key)
    const seen = (numbers[key] ??= [])
    if (!seen.includes(position.number)) seen.push(position.number)
  }
  return numbers
}

function inOrder(count: number): Record<string, number[]> {
  return Object.fromEntries(truckIds.map((truckId) => [truckId, Array.from({ length: count }, (_, index) => index)]))
}

describe('records', () => {
  it('are the bodies, in order per key, where the hash of the key says', async () => {
    const positions = positionsNamed('plain')
    await using broker = brokerOf(positions)
    await sendRounds(broker, positions, 0, 5)
    const records = await readStream(client, 'plain')
    expect(records).toHaveLength(50)
    expect(numbersByTruck(records)).toEqual(inOrder(5))
    expect(new Set(records.map(({ shard, key }) => `${shard} ${key}`)).size).toBe(truckIds.length)
    expect(records[0]?.text).toMatch(/^\{"truckId":"truck_\d","number":0\}$/)
    expect(records.every(({ position }) => /^\d{56}$/.test(position))).toBe(true)
  })

  it('are few where messages are put together, and hold them in order per key', async () => {
    const positions = positionsNamed('aggregated')
    await using broker = brokerOf(positions, { aggregate: true })
    await sendRounds(broker, positions, 0, 5)
    expect(numbersByTruck(await readStream(client, 'aggregated'))).toEqual(inOrder(5))
    // A key has one message in a record and one record out, so there is a record per shard and round.
    expect(await countRecords(client, 'aggregated')).toBeLessThanOrEqual(20)
  })

  it('hold many messages of a key in pipelined order', async () => {
    const positions = positionsNamed('pipelined')
    await using broker = createBroker({
      driver: driver(),
      destinations: [positions],
      routes: { pipelined: { options: { capacity: { shards: 3 }, aggregate: true } } },
      provision: 'create',
    })
    const all = Array.from({ length: 20 }, (_, number) => truckIds.map((truckId) => ({ truckId, number }))).flat()
    const results = await broker.producer(positions, { sendOrder: 'pipelined' }).sendBatch(all)
    expect(results.every(({ ok }) => ok)).toBe(true)
    expect(numbersByTruck(await readStream(client, 'pipelined'))).toEqual(inOrder(20))
    expect(await countRecords(client, 'pipelined')).toBeLessThanOrEqual(6)
  })

  it('have headers in an envelope where the route asks for one, and are refused them elsewhere', async () => {
    const positions = positionsNamed('envelope')
    await using broker = brokerOf(positions, { envelope: true })
    await broker.producer(positions).send({ truckId: 'truck_1', number: 0 }, { headers: { tenant: 'acme' } })
    const [record] = await readStream(client, 'envelope')
    expect(Buffer.from(record?.data ?? '').subarray(0, 5)).toEqual(Buffer.from('ff42555301', 'hex'))
    expect(record?.text).toContain('"tenant":"acme"}{"truckId":"truck_1","number":0}')
    const plain = positionsNamed('no-envelope')
    await using other = brokerOf(plain)
    await expect(other.producer(plain).send({ truckId: 'truck_1', number: 0 }, { headers: { tenant: 'acme' } })).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
    })
  })

  it('go where explicitHashKey says', async () => {
    const positions = positionsNamed('explicit')
    await using broker = brokerOf(positions, { explicitHashKey: () => 0n })
    await sendRounds(broker, positions, 0, 2)
    const records = await readStream(client, 'explicit')
    expect(new Set(records.map(({ shard }) => shard)).size).toBe(1)
    expect(new Set(records.map(({ key }) => key))).toEqual(new Set(truckIds))
  })

  it('may be as large as the stream allows', async () => {
    const large = stream<string>('large', { codec: text })
    await using broker = createBroker({
      driver: driver(),
      destinations: [large],
      routes: { large: { options: { capacity: { shards: 1 }, maxRecordBytes: 1_310_720 } } },
      provision: 'create',
    })
    await broker.producer(large).send('x'.repeat(1_200_000))
    await expect(broker.producer(large).send('x'.repeat(1_310_720))).rejects.toMatchObject({ code: 'ERR_TOO_LARGE' })
    expect((await readStream(client, 'large')).map(({ text: body }) => body.length)).toEqual([1_200_000])
  })

  it('of a topic are those of a stream', async () => {
    const placed = topic<string>('placed', { codec: text })
    await using broker = createBroker({ driver: driver(), destinations: [placed], provision: 'create' })
    await broker.producer(placed).send('o-1')
    expect((await readStream(client, 'placed')).map(({ text: body }) => body)).toEqual(['o-1'])
  })
})

describe.each([false, true])('while the stream is split and merged (aggregate: %s)', (aggregate) => {
  it('every message is stored, in order per key over parents and children', async () => {
    const name = `resharded-${aggregate}`
    const positions = positionsNamed(name)
    await using broker = brokerOf(positions, { aggregate })
    let rounds = 2
    await sendRounds(broker, positions, 0, rounds)
    const progress = { resharded: false }
    const resharding = reshard(client, name).then(() => (progress.resharded = true))
    while (!progress.resharded) await sendRounds(broker, positions, rounds++, 1)
    await resharding
    await sendRounds(broker, positions, rounds++, 1)
    const records = await readStream(client, name)
    expect(numbersByTruck(records)).toEqual(inOrder(rounds))
    expect(new Set(records.map(({ shard }) => shard)).size).toBeGreaterThan(3)
  })
})

describe('faults', () => {
  it.each([false, true])('lose nothing: cut connections cost repeats, and order per key stays (aggregate: %s)', async (aggregate) => {
    const name = `cut-${aggregate}`
    let puts = 0
    const fateOf = (operation: string): Fate => {
      if (operation !== 'PutRecords') return 'passes'
      puts++
      return puts % 3 === 0 ? 'answer lost' : puts % 5 === 0 ? 'lost' : 'passes'
    }
    await using gateway = await startLossyGateway(bed.url, fateOf)
    const positions = positionsNamed(name)
    await using broker = brokerOf(positions, { aggregate }, { endpoint: gateway.url })
    await sendRounds(broker, positions, 0, 6)
    expect(puts).toBeGreaterThan(6)
    const records = await readStream(client, name)
    expect(numbersByTruck(records)).toEqual(inOrder(6))
    expect(records.length).toBeGreaterThan(60)
  })

  it('of a stream that is missing, or has another ARN, name it', async () => {
    const positions = positionsNamed('missing')
    const start = (name: string): Promise<void> => createBroker({ driver: driver(), destinations: [positions], routes: { missing: { name } } }).start()
    await expect(start('missing')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', message: expect.stringContaining('stream missing') })
    const arn = `arn:aws:kinesis:${region}:999999999999:stream/missing`
    await expect(start(arn)).rejects.toMatchObject({ message: expect.stringContaining(arn) })
  })

  it('of a stream that is deleted meanwhile reach the sender', async () => {
    const positions = positionsNamed('deleted')
    await using broker = brokerOf(positions)
    await sendRounds(broker, positions, 0, 1)
    await client.send(new DeleteStreamCommand({ StreamName: 'deleted' }))
    await until(
      'the end of the stream',
      async () => {
        const results = await broker.producer(positions).sendBatch([{ truckId: 'truck_1', number: 1 }], { timeoutMs: 2_000 })
        expect(results).toMatchObject([{ ok: false, stored: 'no', error: { code: 'ERR_NOT_FOUND' } }])
      },
      { timeoutMs: 10_000 },
    )
  })

  it('of a subscription without a store for leases say what to give the driver', async () => {
    const positions = positionsNamed('unread')
    const broker = createBroker({ driver: driver(), destinations: [positions, positions.subscription('tracker')], provision: 'create' })
    await expect(broker.start()).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED', message: expect.stringContaining('memoryStore of @busbar/memory') })
  })
})

it('takes a client of its own, and leaves it alive', async () => {
  const own = plainClient(account)
  const positions = positionsNamed('own-client')
  await using broker = createBroker({ driver: kinesis({ client: own }), destinations: [positions], provision: 'create' })
  await sendRounds(broker, positions, 0, 3)
  expect(numbersByTruck(await readStream(client, 'own-client'))).toEqual(inOrder(3))
  await broker.drain()
  await own.send(new DescribeStreamSummaryCommand({ StreamName: 'own-client' }))
  own.destroy()
})

it('is found by its URL', async () => {
  const positions = positionsNamed('by-url')
  process.env['AWS_ACCESS_KEY_ID'] = account.credentials.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = account.credentials.secretAccessKey
  await using broker = await connect(`kinesis://${region}?endpoint=${encodeURIComponent(bed.url)}`, {
    drivers: [kinesis],
    destinations: [positions],
    provision: 'create',
  })
  await broker.producer(positions).send({ truckId: 'truck_1', number: 0 })
  expect(await readStream(client, 'by-url')).toHaveLength(1)
})

it('counts its calls by their names', async () => {
  const positions = positionsNamed('metered')
  const calls = new Map<string, number>()
  await using broker = createBroker({
    driver: driver(),
    destinations: [positions],
    routes: { metered: { options: { capacity: { shards: 1 } } } },
    provision: 'create',
    telemetry: { call: ({ call, count }) => void calls.set(call, (calls.get(call) ?? 0) + count) },
  })
  await broker.start()
  calls.clear()
  await sendRounds(broker, positions, 0, 1)
  expect(Object.fromEntries(calls)).toEqual({ DescribeStreamSummary: 1, ListShards: 1, PutRecords: 1 })
})

it('provisions what a route asks for, and finds no difference after that', async () => {
  const positions = positionsNamed('provisioned')
  const options = { capacity: { shards: 2 }, retentionMs: 172_800_000, encryption: 'aws-managed', maxRecordBytes: 2_097_152 } as const
  for (const provision of ['create', 'create', 'verify'] as const) {
    await using broker = createBroker({ driver: driver(), destinations: [positions], routes: { provisioned: { options } }, provision })
    await broker.start()
  }
  const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName: 'provisioned' }))
  expect(StreamDescriptionSummary).toMatchObject({ OpenShardCount: 2, RetentionPeriodHours: 48, EncryptionType: 'KMS', MaxRecordSizeInKiB: 2_048 })
  await using broker = createBroker({
    driver: driver(),
    destinations: [positions],
    routes: { provisioned: { options: { ...options, capacity: { shards: 4 } } } },
  })
  await expect(broker.start()).rejects.toMatchObject({ message: expect.stringContaining('Reshard stream provisioned from 2 to 4 shards') })
})
