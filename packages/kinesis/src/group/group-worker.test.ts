import { describe, expect, it } from 'vitest'
import type { ShardLease } from './held-shard.ts'
import type { GroupShard } from './shard-graph.ts'
import { SimulatedStream } from './test-support/simulated-stream.ts'

describe('a worker of a group', () => {
  it('reads all shards alone, and writes where each begins before it reads it', async () => {
    const stream = new SimulatedStream(1, 5)
    stream.join()
    await stream.until('all are read', () => stream.unread.length === 0, 1_000)
    expect([...stream.shards.keys()].map((id) => stream.store.noteOf(`stream/app/shard/${id}`))).toEqual(Array.from({ length: 5 }, () => 'horizon'))
  })

  it('shares with a worker that joins, by handing over, so that no record is handled twice', async () => {
    const stream = new SimulatedStream(2, 8)
    stream.putEverywhere(200)
    stream.join()
    await stream.until('one reads all', () => stream.loads[0] === 8, 2_000)
    stream.join()
    const tookMs = await stream.until('both read the same number', () => stream.loads.join() === '4,4', 10_000)
    expect(tookMs).toBeLessThan(6_000)
    await stream.until('all are handled', () => stream.unhandled.length === 0, 300_000)
    expect(Math.max(...stream.handled.values())).toBe(1)
    expect(stream.violations).toEqual([])
  })

  it('takes over the shards of a worker that was killed when their leases have ended, from their checkpoints', async () => {
    const stream = new SimulatedStream(3, 6)
    const [first] = [stream.join(), stream.join(), stream.join()]
    await stream.until('each reads two', () => stream.loads.join() === '2,2,2', 15_000)
    stream.putEverywhere(500)
    await stream.time.pass(5_000)
    stream.kill(first)
    const tookMs = await stream.until('the others read three each', () => stream.loads.join() === '3,3' && stream.unread.length === 0, 20_000)
    expect(tookMs).toBeLessThan(15_000)
    await stream.until('all are handled', () => stream.unhandled.length === 0, 300_000)
    // What was handled in two seconds since the last checkpoint, and what was held behind an unfinished record.
    const twice = [...stream.handled.values()].filter((times) => times > 1).length
    expect(twice).toBeLessThan(2 * 2 * ((2_000 / 100) * 5 + 5))
    expect(stream.violations).toEqual([])
  })

  it('hands everything over when it is drained, and leaves', async () => {
    const stream = new SimulatedStream(4, 4)
    stream.putEverywhere(100)
    const [first] = [stream.join(), stream.join()]
    await stream.until('both read two', () => stream.loads.join() === '2,2', 10_000)
    const drained = first.worker.drain()
    await stream.until('the other reads all', () => stream.loads.join() === '0,4', 10_000)
    await drained
    await stream.until('all are handled', () => stream.unhandled.length === 0, 300_000)
    expect(Math.max(...stream.handled.values())).toBe(1)
    expect(first.failures).toEqual([])
    expect(stream.violations).toEqual([])
  })

  it('reads children when all parents have been handled, from their beginning', async () => {
    const stream = new SimulatedStream(5, 2)
    for (let worker = 0; worker < 3; worker++) stream.join({ startFrom: 'latest' })
    await stream.until('all are read', () => stream.unread.length === 0, 10_000)
    await stream.time.pass(1_000)
    const [one, two] = [...stream.shards.keys()] as [string, string]
    stream.putEverywhere(50)
    const [left, right] = stream.split(one) as [string, string]
    stream.putEverywhere(50)
    const merged = stream.merge(right, two)
    stream.putEverywhere(50)
    await stream.until('all are handled', () => stream.unhandled.length === 0, 120_000)
    expect(stream.violations).toEqual([])
    expect(stream.handled.size).toBe(100 + 150 + 100)
    await stream.until('only open shards are read', () => stream.unread.length === 0 && stream.loads.reduce((sum, load) => sum + load) === 2, 20_000)
    expect(stream.shards.get(left)?.open).toBe(true)
    expect(stream.shards.get(merged)?.open).toBe(true)
  })

  it('begins a group that starts with latest at the shards that are open then, also when one is split before it has been read', async () => {
    const stream = new SimulatedStream(6, 3)
    const ids = [...stream.shards.keys()] as [string, string, string]
    stream.split(ids[0])
    // The first worker begins the group and is gone before it has read anything.
    const first = stream.join({ startFrom: 'latest', checkpointMs: 100 })
    await stream.until('the group has begun', () => first.leases.size > 0, 2_000)
    const leaving = first.worker.drain()
    await stream.time.pass(1_000)
    await leaving
    const children = stream.split(ids[1])
    for (const id of children) stream.put(id)
    stream.join({ startFrom: 'latest' })
    await stream.until('the children are handled', () => stream.unhandled.length === 0, 30_000)
    // The shard that was closed when the group began is nobody's.
    expect(stream.store.noteOf(`stream/app/shard/${ids[0]}`)).toBeUndefined()
  })

  it('gives a shard up before its lease can end when the store does not answer, and its late checkpoints are refused', async () => {
    const stream = new SimulatedStream(7, 1)
    let cut = false
    const clock = stream.time.clock()
    const first = stream.join({}, clock, (store) => ({
      ...store,
      save: async (notes, leaseMs, ttlMs) =>
        cut ? stream.time.sleep(12_000).then(() => store.save(notes, leaseMs, ttlMs)) : store.save(notes, leaseMs, ttlMs),
    }))
    await stream.until('it is read', () => stream.unread.length === 0, 2_000)
    const lease = first.leases.get('shardId-000000000000') as ShardLease
    stream.putEverywhere(1_000)
    await stream.time.pass(4_000)
    cut = true
    const cutAt = stream.time.nowMs
    await stream.until('it is lost', () => !lease.held, 20_000)
    expect(stream.time.nowMs - cutAt).toBeLessThanOrEqual(9_000 + 100)
    const checkpoint = stream.store.noteOf('stream/app/shard/shardId-000000000000')
    expect(lease.complete(lease.add({ sequence: 10n ** 60n, subSequence: undefined }))).toBe('too-late')
    stream.join()
    cut = false
    await stream.time.pass(60_000)
    expect(stream.store.noteOf('stream/app/shard/shardId-000000000000')).not.toBe(checkpoint)
    await stream.until('all are handled', () => stream.unhandled.length === 0, 120_000)
    expect(stream.violations).toEqual([])
  })

  it('aborts a shard whose lease the store gave to another worker, at the next checkpoint, which is refused', async () => {
    const stream = new SimulatedStream(12, 1)
    stream.putEverywhere(2_000)
    const key = 'stream/app/shard/shardId-000000000000'
    const first = stream.join()
    await stream.until('it is read', () => first.leases.size === 1, 2_000)
    await stream.time.pass(5_000)
    const lease = first.leases.get('shardId-000000000000') as ShardLease
    stream.store.free(key)
    const stolen = stream.store.client().claim({ key, owner: 'thief/1', leaseMs: 10_000 })
    await stream.time.pass(20)
    await stolen
    const kept = stream.store.noteOf(key)
    await stream.until('it is lost', () => !lease.held, 2_200)
    expect(stream.store.noteOf(key)).toBe(kept)
    await stream.until('it is read again when the other lease has ended', () => first.leases.size === 1, 15_000)
    expect(first.leases.get('shardId-000000000000')?.id).not.toBe(lease.id)
    expect(stream.violations).toEqual([])
  })

  it('aborts a shard that is not handed over in time, and gives it up with what was done', async () => {
    const stream = new SimulatedStream(8, 2)
    stream.handleMs = 3_600_000
    stream.putEverywhere(10)
    const first = stream.join({ handOverMs: 3_000 })
    await stream.until('both are read', () => first.leases.size === 2, 2_000)
    stream.join({ handOverMs: 3_000 })
    await stream.until('each reads one', () => stream.loads.join() === '1,1', 12_000)
    expect(stream.violations).toEqual([])
  })

  it('does not read a shard whose beginning could not be written, and frees it', async () => {
    const stream = new SimulatedStream(13, 1)
    const first = stream.join({}, stream.time.clock(), (store) => ({ ...store, save: async () => Promise.reject(new Error('read only')) }))
    await stream.time.pass(3_000)
    expect(first.leases.size).toBe(0)
    expect(first.failures).toContainEqual(expect.objectContaining({ message: 'read only' }))
    void first.worker.drain()
    const second = stream.join()
    await stream.until('another reads it without waiting for a lease to end', () => second.leases.size === 1, 3_000)
  })

  it('leaves its share to others when it lives and can take nothing', async () => {
    const stream = new SimulatedStream(15, 5)
    stream.join({}, stream.time.clock(), (store) => ({ ...store, save: async () => Promise.reject(new Error('read only')) }))
    stream.join()
    await stream.until('the other reads everything', () => stream.loads.join() === '0,5', 20_000)
    await stream.time.pass(20_000)
    expect(stream.unread).toEqual([])
  })

  it('leaves its share to others while it lives and cannot list the shards, and comes back', async () => {
    const stream = new SimulatedStream(16, 6)
    const healthy = stream.join()
    await stream.until('it reads everything', () => stream.loads.join() === '6', 5_000)
    let down = true
    const list = async (): Promise<GroupShard[]> => [...stream.shards.values()].map(({ id, parents, open }) => ({ id, parents, open }))
    stream.join({ listShards: () => (down ? Promise.reject(new Error('no access')) : list()) })
    await stream.time.pass(30_000)
    for (let minute = 0; minute < 10; minute++) {
      expect([minute, healthy.leases.size]).toEqual([minute, 6])
      await stream.time.pass(60_000)
    }
    down = false
    await stream.until('each reads half of them', () => stream.loads.join() === '3,3', 20_000)
    expect(stream.violations).toEqual([])
  })

  it.each([
    ['takes nothing', () => Promise.reject(new Error('down'))],
    ['answers nothing', () => new Promise<never>(() => undefined)],
  ] as const)('ends a drain when the leases end where the store %s any more', async (_, refuse) => {
    const stream = new SimulatedStream(14, 2)
    let down = false
    const first = stream.join({}, stream.time.clock(), (store) => ({
      ...store,
      save: (...given) => (down ? refuse() : store.save(...given)),
      complete: (claim, value, ttlMs) => (value === 'end' ? refuse() : store.complete(claim, value, ttlMs)),
    }))
    stream.putEverywhere(100)
    await stream.until('both are read', () => first.leases.size === 2, 2_000)
    stream.split('shardId-000000000000')
    await stream.until('one has been read to its end', () => first.leases.size === 1, 60_000)
    down = true
    let drained = false
    void first.worker.drain().then(() => {
      drained = true
    })
    await stream.until('it is drained', () => drained, 12_000)
    expect(first.worker.shards).toEqual([])
  })

  it('tells of a checkpoint that cannot be read, leaves that shard alone, and reads the others', async () => {
    const stream = new SimulatedStream(9, 2)
    stream.store.set('stream/app/shard/shardId-000000000001', 'after 12x')
    const { failures, leases } = stream.join()
    await stream.time.pass(30_000)
    expect([...leases.keys()]).toEqual(['shardId-000000000000'])
    expect(failures).toEqual([expect.objectContaining({ code: 'ERR_INVALID', message: expect.stringContaining('shardId-000000000001') })])
  })
})
