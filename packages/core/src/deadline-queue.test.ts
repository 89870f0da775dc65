import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { DeadlineQueue, type Deadline } from './deadline-queue.ts'
import { ManualClock } from './test-support/manual-clock.ts'
import { seededRandom } from './test-support/seeded-random.ts'

function setup(): { clock: ManualClock; due: { atMs: number; items: string[] }[]; queue: DeadlineQueue<string> } {
  const clock = new ManualClock()
  const due: { atMs: number; items: string[] }[] = []
  const queue = new DeadlineQueue<string>(clock, (items) => due.push({ atMs: clock.monotonic(), items }))
  return { clock, due, queue }
}

describe('DeadlineQueue', () => {
  it('hands out what is due, in the order of deadlines, at the time of each', () => {
    const { clock, due, queue } = setup()
    queue.add(30, 'c')
    queue.add(10, 'a')
    queue.add(20, 'b')
    clock.advance(25)
    expect(due).toEqual([
      { atMs: 10, items: ['a'] },
      { atMs: 20, items: ['b'] },
    ])
    expect(queue.size).toBe(1)
    clock.advance(5)
    expect(due[2]).toEqual({ atMs: 30, items: ['c'] })
  })

  it('keeps the order of insertion among equal deadlines and hands them out together', () => {
    const { clock, due, queue } = setup()
    const items = Array.from({ length: 50 }, (_, index) => `item ${index}`)
    for (const item of items) queue.add(5, item)
    clock.advance(5)
    expect(due).toEqual([{ atMs: 5, items }])
  })

  it('keeps one timer of the clock, and none when nothing waits', () => {
    const { clock, queue } = setup()
    const deadlines = [40, 10, 30].map((atMs) => queue.add(atMs, `at ${atMs}`))
    expect(clock.timers).toBe(1)
    for (const deadline of deadlines) expect(queue.remove(deadline)).toBe(true)
    expect(clock.timers).toBe(0)
    queue.add(50, 'x')
    clock.advance(50)
    expect(clock.timers).toBe(0)
  })

  it('does not hand out what was removed', () => {
    const { clock, due, queue } = setup()
    const removed = queue.add(10, 'removed')
    queue.add(20, 'kept')
    expect(queue.remove(removed)).toBe(true)
    expect(queue.remove(removed)).toBe(false)
    clock.advance(100)
    expect(due).toEqual([{ atMs: 20, items: ['kept'] }])
  })

  it('refuses to remove what has come due', () => {
    const { clock, queue } = setup()
    const deadline = queue.add(1, 'a')
    clock.advance(1)
    expect(queue.remove(deadline)).toBe(false)
    expect(queue.size).toBe(0)
  })

  it('takes a deadline that has passed, but not synchronously', () => {
    const { clock, due, queue } = setup()
    clock.advance(100)
    queue.add(50, 'late')
    expect(due).toEqual([])
    clock.advance(0)
    expect(due).toEqual([{ atMs: 100, items: ['late'] }])
  })

  it('goes on when onDue adds deadlines or throws', () => {
    const clock = new ManualClock()
    const seen: string[] = []
    const queue: DeadlineQueue<string> = new DeadlineQueue(clock, (items) => {
      seen.push(...items)
      if (items.includes('first')) queue.add(clock.monotonic() + 5, 'added')
      if (items.includes('added')) throw new Error('from onDue')
    })
    queue.add(1, 'first')
    queue.add(20, 'last')
    clock.advance(3)
    expect(() => clock.advance(10)).toThrow('from onDue')
    clock.advance(20)
    expect(seen).toEqual(['first', 'added', 'last'])
  })

  it('never wakes for an endless deadline, which can be removed', () => {
    const { clock, due, queue } = setup()
    const endless = queue.add(Infinity, 'never')
    expect(clock.timers).toBe(0)
    queue.add(5, 'a')
    clock.advance(1_000_000)
    expect(due).toEqual([{ atMs: 5, items: ['a'] }])
    expect(queue.remove(endless)).toBe(true)
    expect(() => queue.add(Number.NaN, 'x')).toThrow(RangeError)
  })

  it('agrees with sorting, whatever is added and removed', () => {
    const { clock, due, queue } = setup()
    const random = seededRandom(42)
    const expected = new Map<Deadline<string>, number>()
    for (let step = 0; step < 5000; step++) {
      const deadline = queue.add(Math.floor(random() * 500), String(step))
      expected.set(deadline, step)
      if (random() < 0.8) {
        const [victim] = [...expected.keys()].slice(Math.floor(random() * expected.size))
        if (victim !== undefined && queue.remove(victim)) expected.delete(victim)
      }
    }
    const order = [...expected].sort(([a, i], [b, j]) => a.atMs - b.atMs || i - j).map(([deadline]) => deadline.item)
    clock.advance(500)
    expect(due.flatMap(({ items }) => items)).toEqual(order)
    expect(queue.size).toBe(0)
  })

  it('lets go of removed items while another deadline waits', async () => {
    const clock = new ManualClock()
    const queue = new DeadlineQueue<object>(clock, () => {})
    queue.add(1, {})
    const removed: WeakRef<object>[] = []
    for (let step = 0; step < 1000; step++) {
      const item = {}
      removed.push(new WeakRef(item))
      queue.remove(queue.add(1000 + step, item))
    }
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    // References made in this turn live until its end.
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
    expect(queue.size).toBe(1)
    expect(removed.filter((reference) => reference.deref() !== undefined).length).toBeLessThan(100)
  })
})
