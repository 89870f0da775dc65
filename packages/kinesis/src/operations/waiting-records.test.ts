import { describe, it } from 'vitest'
import { aggregate } from '../aggregation/aggregate.ts'
import type { Checkpoint } from '../group/checkpoint.ts'
import { maxHashKey } from '../shards/hash-key.ts'
import type { Shard } from '../shards/shard-map.ts'
import { FakeKinesis } from '../test-support/fake-kinesis.ts'
import { FakeShard } from '../test-support/fake-shard.ts'
import { apiOf, servicesOf, stream } from '../test-support/reading.ts'
import { waitingRecords, type WaitingRecords } from './waiting-records.ts'

const whole: Shard = { id: 'shard-0', start: 0n, end: maxHashKey, parents: [], open: true }
type Count = (from: Checkpoint, countUpTo: number) => Promise<WaitingRecords>

const horizon: Checkpoint = { kind: 'horizon' }

function bed(shard = whole, within: Shard | undefined = shard): { readonly shard: FakeShard; readonly count: Count } {
  const fake = new FakeKinesis(1)
  const parts = { api: apiOf(fake), services: servicesOf(fake), stream, shard, within, context: { doing: 'Counting' } }
  return { shard: new FakeShard(fake), count: (from, countUpTo) => waitingRecords({ ...parts, from, countUpTo }) }
}

function after(sequence: bigint, subSequence?: number): Checkpoint {
  return { kind: 'after', position: { sequence, subSequence } }
}

function three(): Uint8Array {
  return aggregate(['a', 'b', 'c'].map((partitionKey) => ({ partitionKey, data: Buffer.from(partitionKey) })))
}

describe('what waits in a shard', () => {
  it('is counted behind the checkpoint, over as many pages as there are', async ({ expect }) => {
    const { shard, count } = bed()
    const [, second] = shard.put(...Array.from({ length: 50 }, (_, index) => `${index}`))
    shard.pageRecords = 7
    expect((await count(horizon, 1_000)).records).toBe(50)
    expect((await count(after(second as bigint), 1_000)).records).toBe(48)
  })

  it('is counted up to the number that was asked for, and no further page is read', async ({ expect }) => {
    const { shard, count } = bed()
    shard.put('a', 'b', 'c', 'd', 'e', 'f')
    shard.pageRecords = 2
    let pages = 0
    shard.fail = (call) => void (call === 'GetRecords' && pages++)
    expect((await count(horizon, 3)).records).toBe(3)
    expect(pages).toBe(2)
  })

  it('is nothing where all is done, also where the last of an aggregated record is', async ({ expect }) => {
    const { shard, count } = bed()
    const sequence = shard.putBytes(three())
    expect(await count(after(sequence, 2), 10)).toEqual({ since: undefined, records: 0 })
    expect(await count(after(sequence), 10)).toEqual({ since: undefined, records: 0 })
  })

  it('counts what an aggregated record holds, without what is done of it', async ({ expect }) => {
    const { shard, count } = bed()
    const sequence = shard.putBytes(three())
    shard.put('d')
    expect((await count(horizon, 10)).records).toBe(4)
    const begun = await count(after(sequence, 0), 10)
    expect(begun.records).toBe(3)
    expect(begun.since).toBeTypeOf('number')
  })

  it('leaves out an aggregated record that readers leave out', async ({ expect }) => {
    const { shard, count } = bed({ ...whole, end: 0n })
    shard.putBytes(three())
    expect(await count(horizon, 10)).toEqual({ since: undefined, records: 0 })
  })

  it('counts an aggregated record whose keys belong elsewhere where readers take it', async ({ expect }) => {
    const { shard, count } = bed({ ...whole, end: 0n }, whole)
    shard.putBytes(three())
    expect((await count(horizon, 10)).records).toBe(3)
  })
})
