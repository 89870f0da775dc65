import type { StartFrom } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { LeaseTable } from './lease-table.ts'
import { replayGroup } from './replay.ts'
import { SimulatedStream } from './test-support/simulated-stream.ts'

/** As somebody would who operates the group. */
function replay(stream: SimulatedStream, force: boolean, name = 'operator', startFrom: StartFrom = 'earliest'): Promise<number> {
  const clock = stream.time.clock()
  const table = new LeaseTable({ store: stream.store.client(), clock, group: 'stream/app', leaseMs: 10_000 })
  const listShards = async (): Promise<{ id: string; parents: readonly string[]; open: boolean }[]> =>
    [...stream.shards.values()].map(({ id, parents, open }) => ({ id, parents, open }))
  const findPosition = (): never => {
    throw new RangeError('no positions here')
  }
  return replayGroup({ table, clock, startFrom, listShards, findPosition, worker: name, force })
}

async function during<T>(stream: SimulatedStream, call: Promise<T>): Promise<T> {
  call.catch(() => undefined)
  await stream.time.pass(1_000)
  return call
}

const least = (stream: SimulatedStream): number => Math.min(...stream.handled.values())

describe('a replay', () => {
  it('is refused while workers read, and when it is forced all of them begin anew, none reading what another one still reads', async () => {
    const stream = new SimulatedStream(31, 6)
    stream.putEverywhere(20)
    for (let worker = 0; worker < 3; worker++) stream.join()
    await stream.until('all are handled', () => stream.unhandled.length === 0, 60_000)
    await stream.time.pass(5_000)
    await expect(during(stream, replay(stream, false))).rejects.toMatchObject({ code: 'ERR_CONFLICT', message: expect.stringContaining('3 other workers') })
    expect(least(stream)).toBe(1)
    await during(stream, replay(stream, true))
    const tookMs = await stream.until('all are handled again', () => least(stream) === 2, 60_000)
    expect(tookMs).toBeLessThan(20_000)
    await stream.time.pass(30_000)
    expect(Math.max(...stream.handled.values())).toBe(2)
    expect(stream.violations).toEqual([])
    expect(stream.store.noteOf('stream/app/shard.1/shardId-000000000000')).toMatch(/^after /)
  })

  it('reads shards that have ended again, parents before children', async () => {
    const stream = new SimulatedStream(32, 2)
    const [one, two] = [...stream.shards.keys()] as [string, string]
    stream.putEverywhere(10)
    stream.join()
    stream.merge(stream.split(one)[1] as string, two)
    stream.putEverywhere(10)
    await stream.until('all are handled', () => stream.unhandled.length === 0, 60_000)
    await during(stream, replay(stream, true))
    await stream.until('all are handled again', () => least(stream) === 2, 60_000)
    expect(stream.violations).toEqual([])
  })

  it.each([{ timestamp: Date.parse('2026-13-01') }, { timestamp: -1 }, { timestamp: 1e300 }, { timestamp: '7' }, { position: '12x' }, 'lastest', null])(
    'is refused from %j, which is no point, and changes nothing',
    async (startFrom) => {
      const stream = new SimulatedStream(35, 2)
      stream.putEverywhere(5)
      const { failures } = stream.join()
      await stream.time.pass(5_000)
      await expect(during(stream, replay(stream, true, 'operator', startFrom as StartFrom))).rejects.toThrow(TypeError)
      stream.putEverywhere(5)
      await stream.until('all are handled', () => stream.unhandled.length === 0, 10_000)
      expect(failures).toEqual([])
    },
  )

  it('of two at once is one', async () => {
    const stream = new SimulatedStream(33, 2)
    const [first, second] = await during(stream, Promise.allSettled([replay(stream, true, 'one'), replay(stream, true, 'two')]))
    expect([first.status, second.status].toSorted()).toEqual(['fulfilled', 'rejected'])
    expect([first, second].find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'ERR_CONFLICT' } })
    expect(await during(stream, replay(stream, true))).toBe(2)
  })

  it('goes on from its own checkpoints after that, over crashes', async () => {
    const stream = new SimulatedStream(34, 4)
    stream.putEverywhere(10)
    const member = stream.join()
    await stream.until('all are handled', () => stream.unhandled.length === 0, 60_000)
    await during(stream, replay(stream, true))
    await stream.until('all are handled again', () => least(stream) === 2, 60_000)
    await stream.time.pass(5_000)
    stream.kill(member)
    stream.putEverywhere(1)
    stream.join()
    await stream.until('what is new is handled', () => stream.unhandled.length === 0, 60_000)
    await stream.time.pass(20_000)
    expect(Math.max(...stream.handled.values())).toBe(2)
    expect(stream.violations).toEqual([])
  })

  it('loses nothing while workers are killed and added, and the store fails and lies', async () => {
    for (let seed = 40; seed < 46; seed++) {
      const stream = new SimulatedStream(seed, 5)
      stream.putEverywhere(20)
      for (let worker = 0; worker < 3; worker++) stream.join()
      await stream.time.pass(5_000)
      stream.store.faults = { down: 0.03, lost: 0.03, slow: 0.02, lie: 0.02 }
      for (let round = 0; round < 5; round++) {
        void replay(stream, true).catch(() => undefined)
        await stream.time.pass(3_000)
        if (round % 2 === 0 && stream.living[0] !== undefined) stream.kill(stream.living[0])
        stream.join()
        stream.putEverywhere(5)
        await stream.time.pass(5_000)
      }
      stream.store.faults = {}
      await stream.time.pass(60_000)
      const before = new Map(stream.handled)
      await during(stream, replay(stream, true))
      await stream.until('all are handled after the last one', () => [...stream.handled].every(([record, times]) => times > (before.get(record) ?? 0)), 120_000)
      expect(stream.unhandled).toEqual([])
      // Who leases a shard in the moment of a forced replay may share it until its next look.
      expect(stream.violations.filter((text) => !/while .* reads it$/.test(text))).toEqual([])
    }
  })
})
