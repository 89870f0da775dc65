import { createBroker, stream } from '@busbar/core'
import { kinesis } from '@busbar/kinesis'
import { virtualClock } from '@busbar/memory'
import { afterAll, expect, it } from 'vitest'
import { UnreliableKinesis, type Faults } from './support/unreliable-kinesis.ts'

// Seeded, on a virtual clock: a run is the same every time.

const faults: Faults = { throttle: 0.1, internalFailure: 0.03, lostRequest: 0.03, lostAnswer: 0.03, reshard: 0.1 }
const keys = Array.from({ length: 30 }, (_, index) => `truck_${index}`)
const rounds = 20
const seen: Record<string, number> = {}

afterAll(() => {
  // A fault that never happens proves nothing.
  for (const fault of [...Object.keys(faults), 'aggregated', 'dropped']) expect(seen[fault], fault).toBeGreaterThan(0)
})

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

it.each([false, true])('every message is read, in order per key after repeats are dropped (aggregate: %s)', async (aggregate) => {
  for (let seed = 1; seed <= 25; seed++) {
    const service = new UnreliableKinesis(seeded(seed), faults)
    const positions = stream<{ readonly key: string; readonly number: number }>('positions', { orderingKey: ({ key }) => key })
    await using broker = createBroker({
      driver: kinesis({ client: service.client }),
      destinations: [positions],
      routes: { positions: { options: { aggregate } } },
      clock: virtualClock({ auto: true }),
      random: seeded(seed + 1_000),
    })
    const all = Array.from({ length: rounds }, (_, number) => keys.map((key) => ({ key, number }))).flat()
    const results = await broker.producer(positions).sendBatch(all, { timeoutMs: 600_000 })
    expect(
      results.filter(({ ok }) => !ok),
      `seed ${seed}`,
    ).toEqual([])
    const numbers = new Map<string, number[]>(keys.map((key) => [key, []]))
    for (const { key, text: body } of service.read()) {
      const list = numbers.get(key) ?? []
      const { number } = JSON.parse(body) as { readonly number: number }
      if (!list.includes(number)) list.push(number)
    }
    for (const [key, list] of numbers) expect(list, `seed ${seed}, ${key}`).toEqual(Array.from({ length: rounds }, (_, index) => index))
    for (const [what, count] of Object.entries(service.seen)) seen[what] = (seen[what] ?? 0) + count
  }
})
