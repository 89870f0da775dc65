import { describe, expect, it } from 'vitest'
import { SimulatedStream } from './test-support/simulated-stream.ts'
import type { Fault } from './test-support/simulated-store.ts'

/** Shards are split and merged, workers killed and added, and records written, for some minutes; then there is peace. */
async function disturb(stream: SimulatedStream, join: () => void, minutes: number): Promise<void> {
  const { random } = stream
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  for (let second = 0; second < minutes * 60; second += 3) {
    const open = [...stream.shards.values()].filter((shard) => shard.open).map(({ id }) => id)
    for (let record = 0; record < 10; record++) stream.put(pick(open))
    if (random() < 0.1 && open.length < 12) stream.split(pick(open))
    else if (random() < 0.1 && open.length > 4) {
      const one = pick(open)
      stream.merge(one, pick(open.filter((id) => id !== one)))
    }
    const happens = random()
    if (happens < 0.1 && stream.living.length > 1) stream.kill(pick(stream.living))
    else if (happens < 0.2 && stream.living.length < 6) join()
    else if (happens < 0.25 && stream.living.length > 1) {
      const leaving = pick(stream.living)
      void leaving.worker.drain().then(() => {
        leaving.alive = false
      })
    }
    await stream.time.pass(3_000)
  }
  stream.store.faults = {}
  join()
  await stream.time.pass(90_000)
  await stream.until('all records are handled', () => stream.unhandled.length === 0, 600_000)
  await stream.until('every open shard is read', () => stream.unread.length === 0, 60_000)
}

describe('groups in virtual time', () => {
  it.each(Array.from({ length: 12 }, (_, seed) => seed))(
    'lose nothing while shards are split and merged and workers are killed and added (seed %i)',
    async (seed) => {
      const stream = new SimulatedStream(seed, 5)
      for (let worker = 0; worker < 3; worker++) stream.join()
      await disturb(stream, () => void stream.join(), 5)
      expect(stream.violations).toEqual([])
    },
  )

  it.each(Array.from({ length: 20 }, (_, seed) => 100 + seed))(
    'lose nothing over a store that is down, slow, silent, loses answers or lies (seed %i)',
    async (seed) => {
      const stream = new SimulatedStream(seed, 5)
      const kinds: readonly Fault[] = ['down', 'lost', 'slow', 'hang', 'lie']
      stream.store.faults = Object.fromEntries(kinds.map((kind) => [kind, 0.04 * stream.random()]))
      for (let worker = 0; worker < 3; worker++) stream.join()
      await disturb(stream, () => void stream.join(), 5)
      expect(stream.violations).toEqual([])
      expect(stream.members.some(({ failures }) => failures.length > 0)).toBe(true)
    },
  )

  it.each(Array.from({ length: 8 }, (_, seed) => 200 + seed))(
    'lose nothing where the clocks of workers are hours apart and run at different rates (seed %i)',
    async (seed) => {
      const stream = new SimulatedStream(seed, 5)
      const join = (): void => void stream.join({}, stream.time.clock((stream.random() - 0.5) * 86_400_000, 0.98 + 0.04 * stream.random()))
      for (let worker = 0; worker < 3; worker++) join()
      await disturb(stream, join, 5)
      expect(stream.violations).toEqual([])
    },
  )
})

describe('a thousand shards and fifty workers', { timeout: 60_000 }, () => {
  it('are balanced within seconds when workers come, are killed and are added, with a bounded number of store operations', async () => {
    const shards = 1_000
    const stream = new SimulatedStream(1_000, shards)
    const isBalanced = (workers: number) => (): boolean =>
      stream.unread.length === 0 && (stream.loads[0] ?? 0) >= Math.floor(shards / workers) && (stream.loads.at(-1) ?? 0) <= Math.ceil(shards / workers)
    const report: string[] = []
    const measured = async (what: string, act: () => Promise<number>): Promise<{ readonly tookMs: number; readonly perSecond: number }> => {
      const [before, since] = [stream.store.total, stream.time.nowMs]
      const tookMs = await act()
      const perSecond = ((stream.store.total - before) * 1_000) / (stream.time.nowMs - since)
      report.push(`${what}: ${(tookMs / 1_000).toFixed(1)} s, ${perSecond.toFixed(0)} store operations/s`)
      return { tookMs, perSecond }
    }
    const quiet = (): Promise<number> => stream.time.pass(30_000).then(() => 30_000)

    for (let worker = 0; worker < 50; worker++) stream.join()
    const start = await measured('50 workers begin', () => stream.until('balanced', isBalanced(50), 60_000))
    const idle = await measured('nothing happens', quiet)
    for (const member of stream.living.slice(0, 10)) stream.kill(member)
    const killed = await measured('10 of 50 are killed', () => stream.until('balanced', isBalanced(40), 60_000))
    for (let worker = 0; worker < 20; worker++) stream.join()
    const added = await measured('20 are added', () => stream.until('balanced', isBalanced(60), 60_000))
    stream.putEverywhere(30)
    const busy = await measured('30 records in each shard', quiet)
    console.log(report.join('\n'))

    expect(start.tookMs).toBeLessThan(20_000)
    // Leases of ten seconds have to end first.
    expect(killed.tookMs).toBeLessThan(10_000 + 15_000)
    expect(added.tookMs).toBeLessThan(20_000)
    // A renewal of each lease, and of each worker's presence, every third of a lease; twenty scans a second.
    const renewals = (shards + 60) / (10 / 3)
    expect(idle.perSecond).toBeLessThan(renewals * 1.2 + 30)
    // Checkpoints every two seconds at most.
    expect(busy.perSecond).toBeLessThan(shards / 2 + 60)
    expect(Math.max(start.perSecond, killed.perSecond, added.perSecond)).toBeLessThan(2_000)
    expect(stream.violations).toEqual([])
  })
})
