import { describe, expect, it } from 'vitest'
import { Keys } from './keys.ts'

const pace = { intervalMs: 100, burst: 2 }

describe('Keys', () => {
  it('gives each key a bucket of its own, as long as it is in use', () => {
    const keys = new Keys(10)
    const bucket = keys.get('a', 0)
    bucket?.take(0, pace)
    expect(keys.get('b', 0)).not.toBe(bucket)
    expect(keys.get('a', 0)).toBe(bucket)
  })

  it('forgets keys that are idle as others come, and no other', () => {
    const keys = new Keys(100_000)
    const waiting = keys.get('waiting', 0)!
    waiting.reserved = 1
    let most = 0
    for (let n = 0; n < 20_000; n++) {
      keys.get(`k${n}`, n)?.take(n, pace)
      most = Math.max(most, keys.size)
    }
    // 100 are in use at one time.
    expect(most).toBeLessThan(300)
    expect(keys.get('waiting', 20_000)).toBe(waiting)
  })

  it('has no room for more than it may keep, until one is idle', () => {
    const keys = new Keys(3)
    for (const key of ['a', 'b', 'c']) keys.get(key, 0)?.take(0, pace)
    expect(keys.get('d', 50)).toBeUndefined()
    expect(keys.get('a', 50)).toBeDefined()
    const later = [0, 1, 2].map(() => keys.get('d', 100))
    expect(later.at(-1)).toBeDefined()
    expect(keys.size).toBeLessThanOrEqual(3)
  })
})
