import type { Directive, ProcessMiddleware } from '@busbar/core'
import type { Capabilities } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { makeContext, type ContextOptions } from '../test-support/context.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { seededRandom } from '../test-support/seeded-random.ts'
import { rateLimit, type RateLimitOptions } from './rate-limit.ts'

/** How long one start of a message has to wait; 0 if it was let through. */
function waitOf(limiter: ProcessMiddleware, clock: ManualClock, options: ContextOptions = {}): number {
  const outcome = limiter.process(makeContext({ clock, ...options }), () => 'started')
  if (outcome === 'started') return 0
  expect(outcome).toMatchObject({ action: 'retry', counts: false })
  return (outcome as Directive).delayMs
}

interface Simulated {
  /** When each message was let through, in the order of their arrival. */
  readonly starts: readonly number[]
  readonly bounces: number
}

/** Messages that arrive at `arrivals` go through as core lets them: what has to wait comes back when its wait is over, in the order in which waits end, up to `lateMs()` late. */
async function simulate(
  limiter: ProcessMiddleware,
  arrivals: readonly number[],
  lateMs: () => number,
  clock: ManualClock = new ManualClock(),
): Promise<Simulated> {
  const starts: number[] = []
  const due = arrivals.map((atMs, n) => ({ atMs, n }))
  let bounces = 0
  while (due.length > 0) {
    due.sort((a, b) => a.atMs - b.atMs)
    const { atMs, n } = due.shift()!
    await clock.jump(Math.max(0, atMs - clock.monotonic()))
    const wait = waitOf(limiter, clock, { id: `m${n}` })
    if (wait === 0) starts[n] = clock.monotonic()
    else {
      bounces++
      due.push({ atMs: clock.monotonic() + wait + lateMs(), n })
    }
  }
  return { starts, bounces }
}

/** The most starts in any window of time, less what may be started in it. */
function worstExcess(starts: readonly number[], perSecond: number, burst: number): number {
  const sorted = starts.toSorted((a, b) => a - b)
  let worst = -Infinity
  for (let from = 0; from < sorted.length; from++)
    for (let to = from; to < sorted.length; to++) worst = Math.max(worst, to - from + 1 - burst - ((sorted[to]! - sorted[from]!) * perSecond) / 1_000)
  return worst
}

describe('rateLimit', () => {
  it('lets a burst through at once, synchronously, and then one after the other', () => {
    const clock = new ManualClock()
    const limiter = rateLimit({ perSecond: 10, burst: 3 })
    const waits = Array.from({ length: 6 }, (_, n) => waitOf(limiter, clock, { id: `m${n}` }))
    expect(waits).toEqual([0, 0, 0, 100, 200, 300])
    expect(clock.timers).toBe(0)
  })

  it('keeps a token for the message that has reserved it', async () => {
    const clock = new ManualClock()
    const limiter = rateLimit({ perSecond: 10, burst: 1 })
    expect(waitOf(limiter, clock, { id: 'a' })).toBe(0)
    expect(waitOf(limiter, clock, { id: 'b' })).toBe(100)
    await clock.advance(100)
    expect(waitOf(limiter, clock, { id: 'c' })).toBe(100)
    expect(waitOf(limiter, clock, { id: 'b' })).toBe(0)
    await clock.advance(100)
    expect(waitOf(limiter, clock, { id: 'd' })).toBe(100)
    expect(waitOf(limiter, clock, { id: 'c' })).toBe(0)
  })

  it('takes a token for each attempt', async () => {
    const clock = new ManualClock()
    const limiter = rateLimit({ perSecond: 1, burst: 1 })
    expect([1, 2].map((attempt) => waitOf(limiter, clock, { attempt }))).toEqual([0, 1_000])
    await clock.advance(1_000)
    expect([2, 3].map((attempt) => waitOf(limiter, clock, { attempt }))).toEqual([0, 1_000])
  })

  it('tells core long waits in parts that can be held', async () => {
    const clock = new ManualClock()
    const limiter = rateLimit({ perSecond: 0.1 })
    expect(waitOf(limiter, clock, { id: 'a' })).toBe(0)
    expect(waitOf(limiter, clock, { id: 'b' })).toBe(5_000)
    expect(waitOf(limiter, clock, { id: 'c', lease: { kind: 'scope', maxHoldMs: 1_000 } })).toBe(800)
    await clock.advance(5_000)
    expect(waitOf(limiter, clock, { id: 'b' })).toBe(5_000)
    await clock.advance(5_000)
    expect(waitOf(limiter, clock, { id: 'b' })).toBe(0)
  })

  it('tells messages without an id apart by what they keep', async () => {
    const clock = new ManualClock()
    const limiter = rateLimit({ perSecond: 10, burst: 1 })
    const [a, b] = [{}, {}]
    expect([{}, a, b].map((headers) => waitOf(limiter, clock, { id: undefined, headers }))).toEqual([0, 100, 200])
    await clock.advance(100)
    expect([b, a].map((headers) => waitOf(limiter, clock, { id: undefined, headers }))).toEqual([100, 0])
  })

  it('tells sources apart', async () => {
    const clock = new ManualClock()
    const limiter = rateLimit({ perSecond: 10, burst: 1 })
    expect(['first', 'second', 'third'].map((source) => waitOf(limiter, clock, { source }))).toEqual([0, 100, 200])
    await clock.advance(100)
    expect(['third', 'second'].map((source) => waitOf(limiter, clock, { source }))).toEqual([100, 0])
  })

  it('does not wait for ever for a message that does not come back', async () => {
    const clock = new ManualClock()
    const limiter = rateLimit({ perSecond: 1, burst: 1 })
    for (let n = 0; n < 50; n++) waitOf(limiter, clock, { id: `lost${n}` })
    await clock.jump(200_000)
    const arrivals = Array.from({ length: 120 }, (_, n) => 200_000 + n * 1_100)
    const { starts } = await simulate(limiter, arrivals, () => 0, clock)
    expect(starts.slice(-20)).toEqual(arrivals.slice(-20))
  })

  it('is not confused by a clock that jumps', async () => {
    const clock = new ManualClock()
    const limiter = rateLimit({ perSecond: 10, burst: 2 })
    for (let n = 0; n < 5; n++) waitOf(limiter, clock, { id: `m${n}` })
    await clock.jump(1e12)
    const waits = ['m2', 'm3', 'm4', 'new'].map((id) => waitOf(limiter, clock, { id }))
    expect(waits.map((ms) => Math.round(ms))).toEqual([0, 0, 100, 200])
  })
})

describe('rateLimit over any arrivals', () => {
  const seeds = Array.from({ length: 40 }, (_, seed) => seed)

  it.each(seeds)('never starts more than it may in any window, loses nothing, and keeps to the order (seed %d)', async (seed) => {
    const random = seededRandom(seed)
    const perSecond = 10 ** (random() * 4 - 1)
    const burst = 1 + Math.floor(random() * 8)
    const spreadMs = (200 / perSecond) * 1_000 * random() * 2
    const arrivals = Array.from({ length: 200 }, () => random() * spreadMs).sort((a, b) => a - b)
    const late = seed % 2 === 0 ? (): number => 0 : (): number => random() * random() * (3_000 / perSecond)
    const { starts } = await simulate(rateLimit({ perSecond, burst }), arrivals, late)
    expect(starts.filter((ms) => ms >= 0)).toHaveLength(200)
    expect(worstExcess(starts, perSecond, burst)).toBeLessThan(1e-3)
    if (seed % 2 === 0) expect(starts).toEqual(starts.toSorted((a, b) => a - b))
  })

  it('reaches its rate, with one wait for each message', async () => {
    const arrivals = Array.from({ length: 300 }, () => 0)
    const { starts, bounces } = await simulate(rateLimit({ perSecond: 100, burst: 1 }), arrivals, () => 0)
    expect(Math.max(...starts)).toBeCloseTo(2_990, 3)
    expect(bounces).toBe(299)
  })

  it('keeps to the order and the rate when everything comes back too late, as with slots that were taken', async () => {
    const clock = new ManualClock()
    const limiter = rateLimit({ perSecond: 10, burst: 2 })
    const ids = Array.from({ length: 20 }, (_, n) => `m${n}`)
    for (const id of ids) waitOf(limiter, clock, { id })
    await clock.jump(60_000)
    let due = ids.slice(2).map((id) => ({ id, atMs: 60_000 }))
    const order: string[] = []
    const starts: number[] = []
    // Newcomers arrive all the while.
    due.push(...Array.from({ length: 20 }, (_, n) => ({ id: `new${n}`, atMs: 60_000 + n * 30 })))
    while (due.length > 0) {
      due = due.toSorted((a, b) => a.atMs - b.atMs)
      const { id, atMs } = due.shift()!
      await clock.jump(Math.max(0, atMs - clock.monotonic()))
      const wait = waitOf(limiter, clock, { id })
      if (wait > 0) due.push({ id, atMs: clock.monotonic() + wait })
      else {
        order.push(id)
        starts.push(clock.monotonic())
      }
    }
    expect(order).toEqual([...ids.slice(2), ...Array.from({ length: 20 }, (_, n) => `new${n}`)])
    expect(worstExcess(starts, 10, 2)).toBeLessThan(1e-3)
    expect(starts.at(-1)! - starts[0]!).toBeLessThan(4_000)
  })
})

describe('rateLimit by key', () => {
  it('limits each key by itself', () => {
    const clock = new ManualClock()
    const limiter = rateLimit({ perSecond: 10, burst: 1, key: ({ id }) => id.slice(0, 1) })
    expect(['a1', 'b1', 'a2', 'b2', 'c1'].map((id) => waitOf(limiter, clock, { id }))).toEqual([0, 0, 100, 100, 0])
  })

  it('lets a message of a key for which there is no room wait, without a reservation', async () => {
    const clock = new ManualClock()
    const limiter = rateLimit({ perSecond: 1, burst: 1, key: ({ id }) => id, maxKeys: 2 })
    expect(['a', 'b', 'c'].map((id) => waitOf(limiter, clock, { id }))).toEqual([0, 0, 1_000])
    await clock.advance(1_000)
    expect([waitOf(limiter, clock, { id: 'c' }), waitOf(limiter, clock, { id: 'c' })].at(-1)).toBe(1_000)
  })

  it('follows a message whose key changes', async () => {
    const clock = new ManualClock()
    let key = 'a'
    const limiter = rateLimit({ perSecond: 10, burst: 1, key: () => key })
    expect(['m1', 'm2'].map((id) => waitOf(limiter, clock, { id }))).toEqual([0, 100])
    key = 'b'
    expect(waitOf(limiter, clock, { id: 'm2' })).toBe(0)
    key = 'a'
    await clock.advance(100)
    expect(waitOf(limiter, clock, { id: 'm3' })).toBe(0)
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no tenant')
      },
      'no tenant',
    ],
    ['returns no string', () => undefined as never, 'rateLimit: key must return a string, not undefined'],
  ])('fails the attempt where key %s', (_how, key, text) => {
    expect(() => rateLimit({ perSecond: 1, key }).process(makeContext(), () => expect.unreachable())).toThrow(text)
  })
})

describe('the options of rateLimit', () => {
  it('are refused where a message cannot be held for as long as one has to wait', () => {
    const check = (perSecond: number, lease: Capabilities['lease'], maxInFlight = 1): readonly string[] | undefined =>
      rateLimit({ perSecond }).check?.({ lease } as Capabilities, { keyed: false, maxInFlight })
    expect(check(0.1, { kind: 'message', ms: 1_000, maxMs: 10_000 })).toEqual([
      'perSecond of 0.1 makes the last of 1 held messages wait for 10000 ms, longer than one can be held here (8000 ms); raise perSecond',
    ])
    expect(check(0.2, { kind: 'message', ms: 1_000, maxMs: 10_000 })).toEqual([])
    expect(check(10, { kind: 'message', ms: 1_000, maxMs: 10_000 }, 81)).toEqual([])
    expect(check(10, { kind: 'message', ms: 1_000, maxMs: 10_000 }, 82)).toEqual([
      'perSecond of 10 makes the last of 82 held messages wait for 8100 ms, longer than one can be held here (8000 ms); set maxInFlight to 81 or less, or raise perSecond',
    ])
    expect(check(0.001, { kind: 'scope', maxHoldMs: false })).toEqual([])
  })

  it.each([
    { perSecond: 0 },
    { perSecond: -1 },
    { perSecond: Number.NaN },
    { perSecond: Infinity },
    { perSecond: '5' as never },
    {} as never,
    { perSecond: 1, burst: 0 },
    { perSecond: 1, burst: 1.5 },
    { perSecond: 1, key: () => '', maxKeys: 0 },
  ])('%j are refused', (options: RateLimitOptions) => {
    expect(() => rateLimit(options)).toThrow(RangeError)
  })

  it.each([{ key: 'tenant' }, { maxKeys: 5 }, { perSeconds: 5 }])('%j are refused', (options) => {
    expect(() => rateLimit({ perSecond: 1, ...options } as never)).toThrow(TypeError)
  })
})
