import {
  CreateStreamCommand,
  KinesisClient,
  ListShardsCommand,
  ListStreamConsumersCommand,
  DescribeStreamSummaryCommand,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis'
import { setTimeout as sleep } from 'node:timers/promises'
import { NodeHttp2Handler, NodeHttpHandler } from '@smithy/node-http-handler'
import { afterAll, describe, expect, it } from 'vitest'
import { Api } from 'kinesis-source/api.ts'
import { streamOf } from 'kinesis-source/names.ts'
import { deregisterFanOut, FanOutConsumer } from 'kinesis-source/reading/fan-out-consumer.ts'
import { fanOutReader } from 'kinesis-source/reading/fan-out-reader.ts'
import { pollingReader } from 'kinesis-source/reading/polling-reader.ts'
import { startKinesis, startProxy } from '../brokers/index.ts'
import { startFanOutServer, type Ending } from './support/fan-out-server.ts'
import { startLossyGateway } from './support/lossy-gateway.ts'
import { plainClient, region } from './support/read-stream.ts'
import { reshard, untilActive } from './support/reshard.ts'
import { readShard, services, untilEnded, untilRead, type ShardReading } from './support/shard-reading.ts'

// The emulator throttles nothing, never says by fan-out that a shard has ended, and its HTTP/2 has no event streams: the scripted server below and the unit tests have that.

const bed = await startKinesis()
const account = { url: bed.url, credentials: bed.account() }
const client = plainClient(account)
const never = new AbortController().signal
afterAll(async () => {
  client.destroy()
  await bed[Symbol.asyncDispose]()
})

const polling = pollingReader({ share: 1, idleMs: 200, pageBytes: 1_048_576 })

function consumerOf(by: KinesisClient, stream: string, register = true, name = 'tracker'): FanOutConsumer {
  return new FanOutConsumer({ api: new Api(by, services, 5_000), services, stream: streamOf(stream), name, register })
}

async function createStream(StreamName: string, ShardCount = 1): Promise<readonly string[]> {
  await client.send(new CreateStreamCommand({ StreamName, ShardCount }))
  await untilActive(client, StreamName)
  return shardsOf(StreamName)
}

async function shardsOf(StreamName: string): Promise<string[]> {
  const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName }))
  return Shards.map(({ ShardId = '' }) => ShardId)
}

/** Writes texts with keys of their own; a request keeps its order. */
async function put(StreamName: string, texts: readonly string[]): Promise<void> {
  await client.send(new PutRecordsCommand({ StreamName, Records: texts.map((text) => ({ Data: Buffer.from(text), PartitionKey: text })) }))
}

function numbered(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(from + index))
}

describe('polling', () => {
  it('reads every shard to its end through splits and merges, and children from the beginning', async () => {
    const parents = await createStream('resharded', 3)
    const texts = numbered(0, 60)
    await put('resharded', texts.slice(0, 30))
    const readings = new Map<string, ShardReading>(parents.map((shard) => [shard, readShard(client, 'resharded', shard, polling)]))
    await reshard(client, 'resharded')
    await put('resharded', texts.slice(30))
    for (const shard of parents) await untilEnded(readings.get(shard) as ShardReading)
    expect(parents.map((shard) => readings.get(shard)?.end)).toEqual(['ended', 'ended', 'ended'])
    const children = (await shardsOf('resharded')).filter((shard) => !parents.includes(shard))
    expect(children).toHaveLength(3)
    for (const shard of children) readings.set(shard, readShard(client, 'resharded', shard, polling))
    const all = (): string[] => [...readings.values()].flatMap((reading) => reading.texts)
    await expect.poll(() => all().length, { timeout: 10_000 }).toBe(60)
    expect(all().toSorted((a, b) => Number(a) - Number(b))).toEqual(texts)
    for (const shard of parents) expect(readings.get(shard)?.texts).toEqual(readings.get(shard)?.texts.toSorted((a, b) => Number(a) - Number(b)))
    for (const shard of children) expect(readings.get(shard)?.end).toBeUndefined()
    for (const reading of readings.values()) await reading[Symbol.asyncDispose]()
  })

  // The emulator's clock is ahead after the first of them.
  it.each(['latest', 'horizon'] as const)('goes on where it was after a pause in which its iterator expired (%s)', async (kind) => {
    const name = `expired-${kind}`
    const [shard = ''] = await createStream(name)
    await put(name, numbered(0, 5))
    // A reader that has to go by the time begins a second early.
    if (kind === 'latest') await sleep(1_200)
    await using reading = readShard(client, name, shard, polling, { kind })
    if (kind === 'horizon') await untilRead(reading, 5)
    else await expect.poll(() => reading.pages).toBeGreaterThan(0)
    reading.paused = true
    // The page that was asked for before comes still.
    await sleep(500)
    bed.passTime(310_000)
    await put(name, numbered(5, 5))
    reading.paused = false
    await untilRead(reading, kind === 'horizon' ? 10 : 5)
    expect(reading.texts).toEqual(kind === 'horizon' ? numbered(0, 10) : numbered(5, 5))
    expect(reading.calls.filter((call) => call === 'GetShardIterator')).toHaveLength(2)
    expect(reading.failures).toEqual([])
  })

  it('loses and repeats nothing when connections are cut', async () => {
    const [shard = ''] = await createStream('cut-polling')
    let calls = 0
    await using gateway = await startLossyGateway(bed.url, () => (++calls % 3 === 0 ? 'answer lost' : calls % 5 === 0 ? 'lost' : 'passes'))
    const through = plainClient({ ...account, url: gateway.url })
    await using reading = readShard(through, 'cut-polling', shard, polling)
    for (let round = 0; round < 6; round++) {
      await put('cut-polling', numbered(round * 5, 5))
      await untilRead(reading, round * 5 + 1)
    }
    await untilRead(reading, 30)
    expect(reading.texts).toEqual(numbered(0, 30))
    expect(reading.failures.length).toBeGreaterThan(1)
    through.destroy()
  })

  it('ends with an error for a shard that is not there', async () => {
    await createStream('no-shard')
    await using reading = readShard(client, 'no-shard', 'shardId-000000000099', polling)
    await untilEnded(reading)
    expect(reading.end).toMatchObject({ code: 'ERR_NOT_FOUND' })
  })
})

describe('fan-out', () => {
  it('registers its consumer once, finds it again, and leaves it until it is asked to end it', async () => {
    await createStream('consumers')
    const arn = await consumerOf(client, 'consumers').arn(never)
    expect(arn).toContain(':stream/consumers/consumer/tracker:')
    expect(await consumerOf(client, 'consumers', false).arn(never)).toBe(arn)
    await deregisterFanOut(new Api(client, services, 5_000), streamOf('consumers'), 'tracker', never)
    const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName: 'consumers' }))
    const list = new ListStreamConsumersCommand({ StreamARN: StreamDescriptionSummary?.StreamARN })
    await expect.poll(async () => (await client.send(list)).Consumers).toEqual([])
    await expect(consumerOf(client, 'consumers', false).arn(never)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  })

  it('reads what is there and what comes, from any beginning', async () => {
    const [shard = ''] = await createStream('fan-out')
    await put('fan-out', numbered(0, 10))
    await using reading = readShard(client, 'fan-out', shard, fanOutReader(consumerOf(client, 'fan-out')))
    await untilRead(reading, 10)
    await using latest = readShard(client, 'fan-out', shard, fanOutReader(consumerOf(client, 'fan-out', true, 'second')), { kind: 'latest' })
    await expect.poll(() => latest.pages, { timeout: 15_000 }).toBeGreaterThan(0)
    await put('fan-out', numbered(10, 5))
    await Promise.all([untilRead(reading, 15), untilRead(latest, 5)])
    expect(reading.texts).toEqual(numbered(0, 15))
    expect(latest.texts).toEqual(numbered(10, 5))
    expect([...reading.failures, ...latest.failures]).toEqual([])
  })

  it('waits, when it begins anew, until the service has forgotten its last subscription', async () => {
    const [shard = ''] = await createStream('again')
    await put('again', numbered(0, 5))
    const consumer = consumerOf(client, 'again')
    for (let time = 0; time < 2; time++) {
      await using reading = readShard(client, 'again', shard, fanOutReader(consumer))
      await untilRead(reading, 5)
      expect(reading.texts).toEqual(numbered(0, 5))
      expect(reading.failures).toEqual([])
    }
  })

  it('is resumed where it was when its connection is cut', async () => {
    const [shard = ''] = await createStream('cut-fan-out')
    await using proxy = await startProxy(Number(new URL(bed.url).port))
    const through = plainClient({ ...account, url: proxy.through(bed.url) })
    await using reading = readShard(through, 'cut-fan-out', shard, fanOutReader(consumerOf(client, 'cut-fan-out')))
    await put('cut-fan-out', numbered(0, 5))
    await untilRead(reading, 5)
    proxy.cut()
    await put('cut-fan-out', numbered(5, 5))
    await untilRead(reading, 10)
    expect(reading.texts).toEqual(numbered(0, 10))
    expect(reading.failures.length).toBeGreaterThan(0)
    through.destroy()
  })
})

describe.each(['http1', 'http2'] as const)('fan-out by %s', (protocol) => {
  function clientOf(endpoint: string): KinesisClient {
    const requestHandler = protocol === 'http1' ? new NodeHttpHandler() : undefined
    const by = new KinesisClient({
      endpoint,
      region,
      credentials: account.credentials,
      maxAttempts: 1,
      ...(requestHandler !== undefined && { requestHandler }),
    })
    if (protocol === 'http2') expect(by.config.requestHandler).toBeInstanceOf(NodeHttp2Handler)
    return by
  }

  it('reads each record once, in order and to the end, however subscriptions end', async () => {
    const endings: readonly Ending[] = ['cut', 'truncated', 'exception', 'over']
    await using server = await startFanOutServer(protocol, { texts: numbered(0, 40), perEvent: 5, endings })
    const by = clientOf(server.url)
    await using reading = readShard(by, 's', 'shard-0', fanOutReader(consumerOf(by, 's')))
    await untilEnded(reading)
    expect(reading.end).toBe('ended')
    expect(reading.texts).toEqual(numbered(0, 40))
    // A connection that is cut between two events looks like the service's own end by HTTP/2.
    expect(reading.failures.length).toBeGreaterThanOrEqual(2)
    expect(server.asked).toEqual(['TRIM_HORIZON', ...endings.map(() => 'AFTER_SEQUENCE_NUMBER')])
    by.destroy()
  })

  it('keeps the service waiting while no page is asked for', async () => {
    const texts = Array.from({ length: 320 }, (_, index) => `${index}`.padEnd(100_000, '.'))
    await using server = await startFanOutServer(protocol, { texts, perEvent: 5, endings: [] })
    const by = clientOf(server.url)
    await using reading = readShard(by, 's', 'shard-0', fanOutReader(consumerOf(by, 's')))
    await untilRead(reading, 5)
    reading.paused = true
    await sleep(500)
    const { sent } = server
    await sleep(500)
    expect(server.sent).toBe(sent)
    // 320 records are 43 MB on the wire; what is on the way are the buffers of the sockets.
    expect(sent - reading.texts.length * 133_000).toBeLessThan(16_000_000)
    reading.paused = false
    await untilEnded(reading)
    expect(reading.texts.map((text) => Number(text.replace(/\.+$/, '')))).toEqual(texts.map((_, index) => index))
    by.destroy()
  })
})
