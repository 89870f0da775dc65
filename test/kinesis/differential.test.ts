import { MergeShardsCommand, SplitShardCommand } from '@aws-sdk/client-kinesis'
import { systemClock } from '@busbar/core'
import type { Endpoint } from '@busbar/core/driver'
import { kinesis } from '@busbar/kinesis'
import { memory, memoryStore } from '@busbar/memory'
import * as fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { startKinesis } from '../brokers/index.ts'
import { plainClient, region } from './support/read-stream.ts'
import { untilActive } from './support/reshard.ts'
import { streamRun, type Phase, type StreamBed } from './support/stream-run.ts'

const bed = await startKinesis()
const account = { url: bed.url, credentials: bed.account() }
const client = plainClient(account)
afterAll(async () => {
  client.destroy()
  await bed[Symbol.asyncDispose]()
})

const shards = 3

function twin(name: string): StreamBed {
  const driver = memory({ profile: 'kinesis' })
  return {
    driver,
    split: async (shard, newStartingHashKey) => void driver.stream(name)?.split(shard, newStartingHashKey),
    merge: async (shard, neighbour) => void driver.stream(name)?.merge(shard, neighbour),
  }
}

function emulator(StreamName: string): StreamBed {
  return {
    driver: kinesis({
      endpoint: account.url,
      region,
      credentials: account.credentials,
      store: memoryStore({ clock: systemClock }),
      readShare: 1,
      readIdleMs: 200,
      leaseMs: 6_000,
      checkpointMs: 200,
      lookMs: 200,
      listMs: 1_000,
    }),
    async split(ShardToSplit, newStartingHashKey) {
      await client.send(new SplitShardCommand({ StreamName, ShardToSplit, NewStartingHashKey: String(newStartingHashKey) }))
      await untilActive(client, StreamName)
    },
    async merge(ShardToMerge, AdjacentShardToMerge) {
      await client.send(new MergeShardsCommand({ StreamName, ShardToMerge, AdjacentShardToMerge }))
      await untilActive(client, StreamName)
    },
  }
}

function endpointOf(name: string, options: Record<string, unknown>): Endpoint {
  return { destination: name, kind: 'stream', name, subscription: { name: 'tracker', startFrom: 'earliest' }, keyed: true, maxAttempts: 0, options }
}

const message = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
  headers: fc.dictionary(fc.constantFrom('tenant', 'trace'), fc.string({ maxLength: 10 })),
  acked: fc.constantFrom(true, true, true, false),
})
const phase: fc.Arbitrary<Phase> = fc.record({
  messages: fc.array(message, { minLength: 4, maxLength: 8 }),
  event: fc.constantFrom('hand-over', 'hand-over', 'split', 'merge', 'replay'),
  shard: fc.nat({ max: 5 }),
})

let streams = 0
let arrived = 0
const happened = new Set<Phase['event']>()

async function isTheSame(phases: readonly Phase[]): Promise<void> {
  const name = `differential-${++streams}`
  const expected = await streamRun(twin(name), endpointOf(name, { shards }), shards, phases)
  const found = await streamRun(emulator(name), endpointOf(name, { envelope: true, capacity: { shards } }), shards, phases, expected)
  expect(found).toEqual(expected)
  for (const { event } of phases) happened.add(event)
  for (const texts of expected.flatMap((look) => Object.values(look))) arrived += texts.length
}

// Bounded: three plans. A failure names its seed.
it('the driver receives on the emulator what its twin does in memory, shard by shard, whatever happens to them', { timeout: 60_000 }, async () => {
  await fc.assert(fc.asyncProperty(fc.array(phase, { minLength: 5, maxLength: 5 }), isTheSame), { numRuns: 3, endOnFailure: true, seed: 20_261_126 })
  expect(happened).toEqual(new Set(['hand-over', 'split', 'merge', 'replay']))
  expect(arrived).toBeGreaterThan(100)
})
