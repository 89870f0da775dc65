import type { LeaseStore } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { LeaseTable } from './lease-table.ts'
import { SimulatedStore } from './test-support/simulated-store.ts'
import { seeded, VirtualTime } from './test-support/virtual-time.ts'

function tableOver(wrap: (store: LeaseStore) => Partial<LeaseStore> = () => ({})): {
  readonly table: LeaseTable
  readonly time: VirtualTime
  readonly store: SimulatedStore
} {
  const time = new VirtualTime()
  const store = new SimulatedStore({ time, random: seeded(1) })
  const client = store.client()
  return { table: new LeaseTable({ store: { ...client, ...wrap(client) }, clock: time.clock(), group: 'g', leaseMs: 10_000 }), time, store }
}

/** What a call comes to while time passes. */
async function after<T>(time: VirtualTime, call: Promise<T>, ms = 100): Promise<T> {
  call.catch(() => undefined)
  await time.pass(ms)
  return call
}

const answering = (answer: unknown) => (): never => answer as never

describe('the leases of a group', () => {
  it('have an owner each that was never used before, and fences that rise', async () => {
    const { table, time } = tableOver()
    const one = await after(time, table.lease('w', 's'))
    if (one.state !== 'leased') throw new Error(one.state)
    expect(await after(time, table.lease('w', 's'))).toEqual({ state: 'busy' })
    await after(time, table.release(one.claim))
    const two = await after(time, table.lease('w', 's'))
    if (two.state !== 'leased') throw new Error(two.state)
    expect(two.claim.owner).not.toBe(one.claim.owner)
    expect(two.claim.fence).toBeGreaterThan(one.claim.fence)
    expect(await after(time, table.save([{ ...one.claim, note: 'horizon' }]))).toEqual(['lost'])
  })

  it.each([
    undefined,
    null,
    {},
    'claimed',
    { state: 'claimed' },
    { state: 'claimed', fence: 0 },
    { state: 'claimed', fence: 1.5 },
    { state: 'claimed', fence: Number.NaN },
  ])('are not begun by the answer %j', async (answer) => {
    const { table, time } = tableOver(() => ({ claim: answering(answer) }))
    await expect(after(time, table.lease('w', 's'))).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE', retryable: true })
  })

  it('are not begun by a fence that was there before', async () => {
    const { table, time } = tableOver(() => ({ claim: answering({ state: 'claimed', fence: 5 }) }))
    await after(time, table.lease('w', 's'))
    for (let again = 0; again < 3; again++) await expect(after(time, table.lease('w', 's'))).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
  })

  it('are begun by fences that count anew, after one failure that says so, and that frees the shard', async () => {
    const { table, time, store } = tableOver()
    for (let lease = 0; lease < 3; lease++) {
      const leased = await after(time, table.lease('w', 's'))
      if (leased.state === 'leased') await after(time, table.release(leased.claim))
    }
    store.forget()
    await expect(after(time, table.lease('w', 's'))).rejects.toMatchObject({ message: expect.stringContaining('the store has forgotten') })
    expect(await after(time, table.lease('w', 's'))).toMatchObject({ state: 'leased', claim: { fence: 2 } })
  })

  it.each([undefined, [], ['saved', 'saved'], ['yes'], 'saved', [undefined]])('are not renewed by the answer %j', async (answer) => {
    const { table, time } = tableOver(() => ({ save: answering(answer), complete: answering(answer) }))
    const claim = { key: 'k', owner: 'o', fence: 1 }
    await expect(after(time, table.save([{ ...claim, note: 'horizon' }]))).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
    await expect(after(time, table.end(claim))).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
  })

  it('ask once more for a lost answer, under the same owner', async () => {
    let lost = false
    const { table, time } = tableOver((store) => ({
      claim: async (request) => {
        const result = await store.claim(request)
        if (lost) return result
        lost = true
        throw new Error('the answer was lost')
      },
    }))
    expect(await after(time, table.lease('w', 's'))).toMatchObject({ state: 'leased' })
  })

  it('fail when the store gives no answer for as long as a lease lasts', async () => {
    const { table, time } = tableOver(() => ({ scan: () => new Promise(() => undefined) }))
    await expect(after(time, table.view(), 10_001)).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  it('are shown by worker, those of silent workers too, page by page', async () => {
    const { table, time, store } = tableOver()
    await after(time, table.announce('a/b'))
    await after(time, Promise.all(Array.from({ length: 1_500 }, (_, index) => table.lease(index < 1_200 ? 'a/b' : 'silent', `s-${index}`))))
    const before = store.operations.get('scan') ?? 0
    const view = await after(time, table.view())
    expect((store.operations.get('scan') ?? 0) - before).toBe(2)
    expect([...view.workers].map(([worker, shards]) => [worker, shards.size])).toEqual([['a/b', 1_200]])
    expect(view.leased.size).toBe(1_500)
  })

  it('begin as the first worker has found it, and refuse a beginning that cannot be read', async () => {
    const { table, time } = tableOver()
    expect(
      await after(
        time,
        table.origin('a', () => ({ from: 'latest', at: 5, open: ['s'] })),
      ),
    ).toEqual({ from: 'latest', at: 5, open: ['s'] })
    expect(
      await after(
        time,
        table.origin('b', () => ({ from: 'horizon' })),
      ),
    ).toEqual({ from: 'latest', at: 5, open: ['s'] })
    const odd = [{ from: 'nowhere' }, { from: 'latest', at: 5, open: [7] }, { from: 'position', position: 46, shard: 's', timestamp: 1 }, null]
    for (const value of odd) {
      const { table: foreign, time: other } = tableOver(() => ({ claim: answering({ state: 'done', value: JSON.stringify(value) }) }))
      await expect(
        after(
          other,
          foreign.origin('a', () => ({ from: 'horizon' })),
        ),
      ).rejects.toMatchObject({ retryable: false })
    }
  })

  it('take no number for one of a replay that nobody here has written', async () => {
    const numbers = ['90071992547409936', 'Infinity', '0x10', '-1', '']
    const claims = numbers.map((number) => ({ key: `g/replay/${number}`, state: 'done', fence: 1, expiresInMs: 1, value: '{"from":"horizon"}' }))
    const { table, time } = tableOver(() => ({ scan: answering({ claims }) }))
    expect(await after(time, table.rows())).toEqual({ rows: [], generation: 0, origin: undefined })
  })
})
