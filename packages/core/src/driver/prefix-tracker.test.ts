import { describe, expect, it } from 'vitest'
import { seededRandom } from '../test-support/seeded-random.ts'
import { PrefixTracker } from './prefix-tracker.ts'

describe('PrefixTracker', () => {
  it('reports what becomes contiguous, once and in order', () => {
    const tracker = new PrefixTracker<string>()
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((position) => tracker.add(position))
    expect(tracker.complete(b!)).toEqual([])
    expect(tracker.complete(c!)).toEqual([])
    expect([tracker.size, tracker.oldest, tracker.completed]).toEqual([4, 'a', undefined])
    expect(tracker.complete(a!)).toEqual(['a', 'b', 'c'])
    expect([tracker.size, tracker.oldest, tracker.completed]).toEqual([1, 'd', 'c'])
    expect(tracker.complete(a!)).toEqual([])
    expect(tracker.complete(b!)).toEqual([])
    expect(tracker.complete(d!)).toEqual(['d'])
    expect([tracker.size, tracker.oldest, tracker.completed]).toEqual([0, undefined, 'd'])
  })

  it('goes on after everything was done', () => {
    const tracker = new PrefixTracker<number>()
    expect(tracker.complete(tracker.add(1))).toEqual([1])
    expect(tracker.complete(tracker.add(2))).toEqual([2])
    expect(tracker.completed).toBe(2)
  })

  it('keeps positions that are equal apart', () => {
    const tracker = new PrefixTracker<number>()
    const [first, second] = [tracker.add(7), tracker.add(7)]
    expect(tracker.complete(second)).toEqual([])
    expect(tracker.complete(first)).toEqual([7, 7])
  })

  it('agrees with a naive count, whatever the order', () => {
    const random = seededRandom(5)
    const tracker = new PrefixTracker<number>()
    const open: { position: number; tracked: ReturnType<typeof tracker.add> }[] = []
    const done = new Set<number>()
    let next = 0
    let prefix = 0
    for (let step = 0; step < 20_000; step++) {
      if (open.length === 0 || random() < 0.5) {
        open.push({ position: next, tracked: tracker.add(next) })
        next++
        continue
      }
      const [taken] = open.splice(Math.floor(random() * Math.min(open.length, 50)), 1)
      done.add(taken!.position)
      const expected: number[] = []
      while (done.has(prefix)) expected.push(prefix++)
      expect(tracker.complete(taken!.tracked)).toEqual(expected)
      expect(tracker.size).toBe(next - prefix)
    }
    expect(prefix).toBeGreaterThan(5000)
  })
})
