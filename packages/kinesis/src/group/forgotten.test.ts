import { describe, expect, it } from 'vitest'
import { SimulatedStream, type Member } from './test-support/simulated-stream.ts'

const first = 'shardId-000000000000'

/** Reads all that there is, and all checkpoints are written. */
async function readAll(stream: SimulatedStream): Promise<void> {
  await stream.until('all are handled', () => stream.unhandled.length === 0, 120_000)
  await stream.time.pass(5_000)
}

describe('a store that has lost all that it was given', () => {
  it('is told so, and a worker that lives goes on where it was', async () => {
    const stream = new SimulatedStream(41, 4)
    stream.join()
    stream.putEverywhere(200)
    await stream.time.pass(10_000)
    const before = stream.handled.size
    expect(before).toBeGreaterThan(100)
    stream.forget()
    await stream.until('all are read again', () => stream.forgotten === 1 && stream.unread.length === 0, 10_000)
    await readAll(stream)
    // What was under way when the leases were lost.
    expect([...stream.handled.values()].filter((times) => times > 1).length).toBeLessThanOrEqual(4 * 5)
    expect(stream.forgotten).toBe(1)
    expect(stream.violations).toEqual([])
  })

  it('is told where the group began, so that one that begins with latest loses nothing', async () => {
    const stream = new SimulatedStream(42, 3)
    stream.join({ startFrom: 'latest' })
    await stream.until('all are read', () => stream.unread.length === 0, 2_000)
    await stream.time.pass(1_000)
    stream.forget()
    // Written while nobody has a lease that holds.
    stream.putEverywhere(50)
    await stream.until('it is noticed', () => stream.forgotten === 1, 5_000)
    stream.join({ startFrom: 'latest' })
    await readAll(stream)
    expect(stream.handled.size).toBe(150)
  })

  it('does not go back before a replay', async () => {
    const stream = new SimulatedStream(43, 2)
    stream.putEverywhere(20)
    const { worker } = stream.join()
    await readAll(stream)
    const replayed = worker.replay('earliest', true)
    await stream.time.pass(5_000)
    await replayed
    await readAll(stream)
    stream.forget()
    await stream.until('all are read again', () => stream.forgotten === 1 && stream.unread.length === 0, 10_000)
    stream.putEverywhere(5)
    await readAll(stream)
    expect([...stream.handled.values()]).toEqual([...Array.from({ length: 40 }, () => 2), ...Array.from({ length: 10 }, () => 1)])
    expect(stream.store.noteOf(`stream/app/shard.1/${first}`)).toMatch(/^after /)
    expect(stream.violations).toEqual([])
  })

  it('is noticed by every worker, also by those that find it written again, so that parents are read before children', async () => {
    const stream = new SimulatedStream(44, 2)
    for (let worker = 0; worker < 3; worker++) stream.join()
    stream.putEverywhere(20)
    await readAll(stream)
    stream.split(first)
    stream.putEverywhere(20)
    await readAll(stream)
    stream.forget()
    await stream.until('all have noticed', () => stream.forgotten === 3 && stream.unread.length === 0, 30_000)
    stream.putEverywhere(20)
    await readAll(stream)
    expect(stream.handled.size).toBe(40 + 60 + 60)
  })

  it('costs repeats and nothing else where nobody is left who remembers', async () => {
    const stream = new SimulatedStream(45, 2)
    const { worker } = stream.join()
    stream.putEverywhere(20)
    await readAll(stream)
    const drained = worker.drain()
    await stream.time.pass(1_000)
    await drained
    stream.forget()
    stream.putEverywhere(20)
    stream.join()
    await readAll(stream)
    const times = [...stream.handled.values()]
    expect([times.length, times.filter((each) => each === 2).length, Math.max(...times)]).toEqual([80, 40, 2])
    expect(stream.forgotten).toBe(0)
  })

  it('goes on after a fail-over that set fences back', async () => {
    const stream = new SimulatedStream(46, 1)
    const { failures } = stream.join()
    await stream.until('it is read', () => stream.unread.length === 0, 2_000)
    for (let time = 0; time < 5; time++) {
      stream.store.free(`stream/app/shard/${first}`)
      await stream.time.pass(8_000)
    }
    stream.store.set(`stream/app/shard/${first}`, 'horizon')
    await stream.until('it is told', () => failures.some(({ message }) => message.includes('the store has forgotten')), 10_000)
    await stream.until('it is read again', () => stream.unread.length === 0, 5_000)
    expect(stream.forgotten).toBe(0)
  })
})

describe('a store that has lost what it was told last', () => {
  it.each([2, 17, 25, 56])("is told again which shards have ended, or what is behind them would be nobody's (seed %i)", async (seed) => {
    const stream = new SimulatedStream(seed, 4)
    for (let worker = 0; worker < 4; worker++) stream.join()
    await stream.time.pass(10_000)
    const parents = [...stream.shards.keys()].slice(0, 2)
    for (const parent of parents) stream.split(parent)
    await stream.time.pass(30_000)
    for (const parent of parents) stream.store.free(`stream/app/shard/${parent}`)
    stream.kill(stream.living[seed % 4] as Member)
    await stream.time.pass(30_000)
    await stream.until('every shard is read', () => stream.unread.length === 0, 60_000)
  })
})
