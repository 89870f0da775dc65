import { describe, expect, it } from 'vitest'
import { virtualClock } from '../clock/virtual-clock.ts'
import { memoryStore } from './memory-store.ts'

const setup = () => {
  const clock = virtualClock({ auto: false })
  return { clock, store: memoryStore({ clock }) }
}

describe('memoryStore', () => {
  it.each([undefined, {}, { clock: Date }, virtualClock()])('says what it needs (case %#)', (options) => {
    expect(() => memoryStore(options as never)).toThrow(/^memoryStore: clock is needed, memoryStore\(\{ clock: systemClock \}\)/)
  })

  it('gives a key to one owner, and to the next with a higher fence when the lease has ended', () => {
    const { clock, store } = setup()
    expect(store.claim({ key: 'k', owner: 'a', leaseMs: 100 })).toEqual({ state: 'claimed', fence: 1 })
    expect(store.claim({ key: 'k', owner: 'b', leaseMs: 100 })).toEqual({ state: 'busy', expiresInMs: 100 })
    clock.tick(99)
    expect(store.claim({ key: 'k', owner: 'b', leaseMs: 100 })).toEqual({ state: 'busy', expiresInMs: 1 })
    clock.tick(1)
    expect(store.claim({ key: 'k', owner: 'b', leaseMs: 100 })).toEqual({ state: 'claimed', fence: 2 })
    expect(store.renew([{ key: 'k', owner: 'a', fence: 1 }], 100)).toEqual(['lost'])
    expect(store.complete({ key: 'k', owner: 'a', fence: 1 }, 'x', 100)).toBe('lost')
    expect(store.release({ key: 'k', owner: 'a', fence: 1 })).toBe('lost')
  })

  it('answers a repeated claim of the same owner with the same fence and a new lease', () => {
    const { clock, store } = setup()
    store.claim({ key: 'k', owner: 'a', leaseMs: 100 })
    clock.tick(60)
    expect(store.claim({ key: 'k', owner: 'a', leaseMs: 100 })).toEqual({ state: 'claimed', fence: 1 })
    expect(store.claim({ key: 'k', owner: 'b', leaseMs: 100 })).toEqual({ state: 'busy', expiresInMs: 100 })
  })

  it('renews what is held', () => {
    const { clock, store } = setup()
    store.claim({ key: 'k', owner: 'a', leaseMs: 100 })
    clock.tick(90)
    expect(
      store.renew(
        [
          { key: 'k', owner: 'a', fence: 1 },
          { key: 'other', owner: 'a', fence: 1 },
        ],
        100,
      ),
    ).toEqual(['renewed', 'lost'])
    clock.tick(90)
    expect(store.claim({ key: 'k', owner: 'b', leaseMs: 100 })).toMatchObject({ state: 'busy' })
  })

  it('keeps the value of a completed claim for its time to live, and answers a repeated completion', () => {
    const { clock, store } = setup()
    store.claim({ key: 'k', owner: 'a', leaseMs: 100 })
    expect(store.complete({ key: 'k', owner: 'a', fence: 1 }, 'done', 1_000)).toBe('completed')
    expect(store.complete({ key: 'k', owner: 'a', fence: 1 }, 'other', 1_000)).toBe('completed')
    expect(store.claim({ key: 'k', owner: 'b', leaseMs: 100 })).toEqual({ state: 'done', value: 'done' })
    expect(store.renew([{ key: 'k', owner: 'a', fence: 1 }], 100)).toEqual(['lost'])
    clock.tick(1_000)
    expect(store.claim({ key: 'k', owner: 'b', leaseMs: 100 })).toEqual({ state: 'claimed', fence: 2 })
  })

  it('frees a released key at once', () => {
    const { store } = setup()
    store.claim({ key: 'k', owner: 'a', leaseMs: 100 })
    expect(store.release({ key: 'k', owner: 'a', fence: 1 })).toBe('released')
    expect(store.claim({ key: 'k', owner: 'b', leaseMs: 100 })).toEqual({ state: 'claimed', fence: 2 })
  })

  it('pages through the claims with a prefix, expired ones left out', () => {
    const { clock, store } = setup()
    store.claim({ key: 'x:old', owner: 'a', leaseMs: 10 })
    clock.tick(10)
    for (const key of ['x:3', 'y:1', 'x:1', 'x:2']) store.claim({ key, owner: 'a', leaseMs: 100 })
    store.complete({ key: 'x:2', owner: 'a', fence: 5 }, 'v', 50)
    const first = store.scan('x:', { limit: 2 })
    expect(first.claims.map((claim) => [claim.key, claim.state, claim.value, claim.expiresInMs])).toEqual([
      ['x:1', 'busy', undefined, 100],
      ['x:2', 'done', 'v', 50],
    ])
    const second = store.scan('x:', { limit: 2, cursor: first.cursor as string })
    expect(second.claims.map((claim) => claim.key)).toEqual(['x:3'])
    expect(second.cursor).toBeUndefined()
  })

  it('gives back the memory of expired claims as others come', () => {
    const { clock, store } = setup()
    for (let index = 0; index < 1_000; index++) store.claim({ key: `old-${index}`, owner: 'a', leaseMs: 10 })
    // Expiries are kept by the second.
    clock.tick(1_000)
    for (let index = 0; index < 2_000; index++) store.claim({ key: `new-${index}`, owner: 'a', leaseMs: 10_000 })
    expect(store.size).toBe(2_000)
  })
})
