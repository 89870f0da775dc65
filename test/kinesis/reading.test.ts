import {
  CreateStreamCommand,
  DeregisterStreamConsumerCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  ListShardsCommand,
  ListStreamConsumersCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
} from '@aws-sdk/client-kinesis'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '@busbar/core'
import type { Driver, Endpoint } from '@busbar/core/driver'
import { kinesis, kinesisGroup, type KinesisOptions } from '@busbar/kinesis'
import { memoryStore } from '@busbar/memory'
import { NodeHttp2Handler, NodeHttpHandler } from '@smithy/node-http-handler'
import { afterAll, describe, expect, it } from 'vitest'
import { startKinesis, startProxy } from '../brokers/index.ts'
import { startFanOutServer, type Ending } from './support/fan-out-server.ts'
import { startLossyGateway } from './support/lossy-gateway.ts'
import { plainClient, region } from './support/read-stream.ts'
import { Reading, trackerOf, untilRead } from './support/reading.ts'
import { openShards, reshard, untilActive } from './support/reshard.ts'

// The emulator throttles nothing, never says by fan-out that a shard has ended, and its HTTP/2 has no event streams: the scripted server below and the unit tests have that.

const bed = await startKinesis()
const account = { url: bed.url, credentials: bed.account() }
const client = plainClient(account)
afterAll(async () => {
  client.destroy()
  await bed[Symbol.asyncDispose]()
})

const store = memoryStore({ clock: systemClock })
const pace: KinesisOptions = { store, readShare: 1, readIdleMs: 200, leaseMs: 3_000, checkpointMs: 200, lookMs: 200, listMs: 1_000 }
const patient = { timeout: 15_000 }

function driverAt(endpoint: string): Driver {
  return kinesis({ endpoint, region, credentials: account.credentials, ...pace })
}

const driver = driverAt(bed.url)

/** Of the subscription's shards in the table of leases, by their names. */
async function statesOf(stream: string, through: KinesisOptions): Promise<Record<string, string>> {
  await using group = kinesisGroup({ ...pace, ...through, stream, subscription: 'tracker' })
  return Object.fromEntries((await group.leases()).map(({ shard, state }) => [shard, state]))
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
    await createStream('resharded', 3)
    const texts = numbered(0, 60)
    await put('resharded', texts.slice(0, 30))
    await using reading = await Reading.of(driver, trackerOf('resharded'))
    await reshard(client, 'resharded')
    await put('resharded', texts.slice(30))
    await untilRead(reading, 60)
    expect(reading.texts.toSorted((a, b) => Number(a) - Number(b))).toEqual(texts)
    for (const read of reading.byShard.values()) expect(read).toEqual(read.toSorted((a, b) => Number(a) - Number(b)))
    const all = await shardsOf('resharded')
    expect(all).toHaveLength(6)
    const open = new Set((await openShards(client, 'resharded')).map(({ ShardId }) => ShardId))
    const states = Object.fromEntries(all.map((shard) => [shard, open.has(shard) ? 'leased' : 'ended']))
    await expect.poll(() => statesOf('resharded', { client }), patient).toEqual(states)
  })

  // The emulator's clock is ahead after the first of them.
  it.each(['latest', 'earliest'] as const)('goes on where it was after a pause in which its iterator expired (%s)', async (startFrom) => {
    const name = `expired-${startFrom}`
    await createStream(name)
    await put(name, numbered(0, 5))
    // A reader that has to go by the time begins a second early.
    if (startFrom === 'latest') await sleep(1_200)
    await using reading = await Reading.of(driver, trackerOf(name, {}, startFrom))
    if (startFrom === 'earliest') await untilRead(reading, 5)
    await reading.pause()
    // The page that was asked for before comes still.
    await sleep(500)
    bed.passTime(310_000)
    await put(name, numbered(5, 5))
    await reading.resume()
    await untilRead(reading, startFrom === 'earliest' ? 10 : 5)
    expect(reading.texts).toEqual(startFrom === 'earliest' ? numbered(0, 10) : numbered(5, 5))
    expect(reading.calls.filter((call) => call === 'GetShardIterator')).toHaveLength(2)
    expect(reading.failures).toEqual([])
  })

  it('loses and repeats nothing when connections are cut', async () => {
    await createStream('cut-polling')
    let reads = 0
    await using gateway = await startLossyGateway(bed.url, (operation) => {
      if (!operation.startsWith('Get')) return 'passes'
      reads++
      return reads % 3 === 0 ? 'answer lost' : reads % 5 === 0 ? 'lost' : 'passes'
    })
    await using reading = await Reading.of(driverAt(gateway.url), trackerOf('cut-polling'))
    for (let round = 0; round < 6; round++) {
      await put('cut-polling', numbered(round * 5, 5))
      await untilRead(reading, round * 5 + 1)
    }
    await untilRead(reading, 30)
    expect(reading.texts).toEqual(numbered(0, 30))
    expect(reading.failures.length).toBeGreaterThan(1)
  })
})

describe('fan-out', () => {
  const endpoint = (name: string): Endpoint => trackerOf(name, { fanOut: true })

  /** By hand: provisioning would also begin the subscription. The stream's ARN. */
  async function register(StreamName: string, ConsumerName = 'tracker'): Promise<string | undefined> {
    const { StreamDescriptionSummary: { StreamARN } = {} } = await client.send(new DescribeStreamSummaryCommand({ StreamName }))
    await client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName }))
    return StreamARN
  }

  it('reads by a consumer that is there before and after it, and says how to make one that is missing', async () => {
    await createStream('by-hand')
    const StreamARN = await register('by-hand')
    const consumers = async (): Promise<unknown> =>
      (await client.send(new ListStreamConsumersCommand({ StreamARN }))).Consumers?.map(({ ConsumerName }) => ConsumerName)
    await put('by-hand', numbered(0, 5))
    {
      await using reading = await Reading.of(driver, endpoint('by-hand'))
      await untilRead(reading, 5)
    }
    expect(await consumers()).toEqual(['tracker'])
    await client.send(new DeregisterStreamConsumerCommand({ StreamARN, ConsumerName: 'tracker' }))
    await expect.poll(consumers).toEqual([])
    await using reading = await Reading.of(driver, endpoint('by-hand'))
    await expect.poll(() => reading.failures.length, patient).toBeGreaterThan(0)
    expect(reading.failures[0]).toMatchObject({ code: 'ERR_NOT_FOUND', message: expect.stringContaining("create it with provision({ mode: 'create' })") })
  })

  it('reads what is there and what comes, from any beginning', async () => {
    await createStream('fan-out')
    for (const name of ['tracker', 'late']) await register('fan-out', name)
    await put('fan-out', numbered(0, 10))
    await using reading = await Reading.of(driver, endpoint('fan-out'))
    await untilRead(reading, 10)
    await using latest = await Reading.of(driver, { ...endpoint('fan-out'), subscription: { name: 'late', startFrom: 'latest' } })
    await put('fan-out', numbered(10, 5))
    await Promise.all([untilRead(reading, 15), untilRead(latest, 5)])
    expect(reading.texts).toEqual(numbered(0, 15))
    expect(latest.texts).toEqual(numbered(10, 5))
    expect([...reading.failures, ...latest.failures]).toEqual([])
  })

  it('waits, when it begins anew, until the service has forgotten its last subscription', async () => {
    await createStream('again')
    await register('again')
    for (let time = 0; time < 2; time++) {
      await put('again', numbered(5 * time, 5))
      await using reading = await Reading.of(driver, endpoint('again'))
      await untilRead(reading, 5)
      expect(reading.texts).toEqual(numbered(5 * time, 5))
      expect(reading.failures).toEqual([])
    }
  })

  it('is resumed where it was when its connection is cut', async () => {
    await createStream('cut-fan-out')
    await register('cut-fan-out')
    await using proxy = await startProxy(Number(new URL(bed.url).port))
    await using reading = await Reading.of(driverAt(proxy.through(bed.url)), endpoint('cut-fan-out'))
    await put('cut-fan-out', numbered(0, 5))
    await untilRead(reading, 5)
    proxy.cut()
    await put('cut-fan-out', numbered(5, 5))
    await untilRead(reading, 10)
    expect(reading.texts).toEqual(numbered(0, 10))
    expect(reading.failures.length).toBeGreaterThan(0)
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

  // A stream each: their leases are in one store.
  const endpoint = (name: string): Endpoint => trackerOf(`${protocol}-${name}`, { fanOut: true })

  it('reads each record once, in order and to the end, however subscriptions end', async () => {
    const endings: readonly Ending[] = ['cut', 'truncated', 'exception', 'over']
    await using server = await startFanOutServer(protocol, { stream: `${protocol}-endings`, texts: numbered(0, 40), perEvent: 5, endings })
    const by = clientOf(server.url)
    {
      await using reading = await Reading.of(kinesis({ ...pace, client: by }), endpoint('endings'))
      await expect.poll(() => statesOf(`${protocol}-endings`, { client: by }), patient).toEqual({ 'shard-0': 'ended' })
      expect(reading.texts).toEqual(numbered(0, 40))
      // A connection that is cut between two events looks like the service's own end by HTTP/2.
      expect(reading.failures.length).toBeGreaterThanOrEqual(2)
      expect(server.asked).toEqual(['TRIM_HORIZON', ...endings.map(() => 'AFTER_SEQUENCE_NUMBER')])
    }
    by.destroy()
  })

  it('keeps the service waiting while no page is asked for', async () => {
    const texts = Array.from({ length: 320 }, (_, index) => `${index}`.padEnd(100_000, '.'))
    await using server = await startFanOutServer(protocol, { stream: `${protocol}-waiting`, texts, perEvent: 5, endings: [] })
    const by = clientOf(server.url)
    {
      await using reading = await Reading.of(kinesis({ ...pace, client: by }), endpoint('waiting'))
      await untilRead(reading, 5)
      await reading.pause()
      await sleep(500)
      const { sent } = server
      await sleep(500)
      expect(server.sent).toBe(sent)
      // 320 records are 43 MB on the wire; what is on the way are the buffers of the sockets.
      expect(sent - reading.texts.length * 133_000).toBeLessThan(16_000_000)
      await reading.resume()
      await untilRead(reading, texts.length)
      expect(reading.texts.map((text) => Number(text.replace(/\.+$/, '')))).toEqual(texts.map((_, index) => index))
    }
    by.destroy()
  })
})
