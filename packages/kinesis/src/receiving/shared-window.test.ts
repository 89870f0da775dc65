import { describe, expect, it } from 'vitest'
import { SharedWindow, type WindowPart } from './shared-window.ts'

/** Takes messages until there is no room, and says how many. */
function fill(window: SharedWindow, part: WindowPart, bytes = 1): number {
  let taken = 0
  for (; taken < 1_000 && window.roomFor(part, bytes) === 'free'; taken++) window.take(part, bytes)
  return taken
}

describe('a window over several shards', () => {
  it('is all of the only shard', () => {
    const window = new SharedWindow({ messages: 10, bytes: 1_000 })
    expect(fill(window, window.join())).toBe(10)
  })

  it('keeps room for the others from a shard that takes all that it can get', () => {
    const window = new SharedWindow({ messages: 100, bytes: 100_000 })
    const [greedy, ...others] = Array.from({ length: 5 }, () => window.join()) as [WindowPart, ...WindowPart[]]
    // Its own tenth of the window, and the half that is for everybody.
    expect(fill(window, greedy)).toBe(60)
    expect(window.roomFor(greedy, 1)).toBe('share')
    expect(others.map((part) => fill(window, part))).toEqual([10, 10, 10, 10])
    expect(window.held.messages).toBe(100)
    expect(window.roomFor(others[0] as WindowPart, 1)).toBe('full')
  })

  it('keeps bytes for the others too', () => {
    const window = new SharedWindow({ messages: 1_000, bytes: 100 })
    const [greedy, other] = [window.join(), window.join()]
    expect(fill(window, greedy, 5)).toBe(15)
    expect(fill(window, other, 5)).toBe(5)
    expect(window.held.bytes).toBe(100)
    expect([greedy, other].map((part) => window.roomFor(part, 5))).toEqual(['share', 'share'])
  })

  it('lets one message through that is larger than all of it, and others as if it were not there', () => {
    const window = new SharedWindow({ messages: 10, bytes: 100 })
    const [one, other] = [window.join(), window.join()]
    window.take(one, 1)
    expect(window.roomFor(one, 500)).toBe('share')
    expect(window.roomFor(other, 500)).toBe('free')
    window.take(other, 500)
    expect(fill(window, one, 9)).toBe(7)
    expect(window.held).toEqual({ messages: 9, bytes: 564 })
    window.free(other, 1, 500)
    expect(window.held).toEqual({ messages: 8, bytes: 64 })
  })

  it('lets one message at a time through on top, of a shard that has no other one out', () => {
    const window = new SharedWindow({ messages: 100, bytes: 100 })
    const [one, two, three] = Array.from({ length: 50 }, () => window.join()) as [WindowPart, WindowPart, WindowPart]
    window.take(one, 60)
    expect(window.roomFor(two, 40)).toBe('free')
    expect(window.roomFor(one, 41)).toBe('share')
    expect(window.roomFor(two, 41)).toBe('free')
    window.take(two, 41)
    expect(window.roomFor(three, 41)).toBe('share')
    expect(window.roomFor(three, 40)).toBe('free')
    window.leave(two)
    expect(window.roomFor(three, 41)).toBe('free')
  })

  it('is full when its bytes are taken, and one on top is out', () => {
    const window = new SharedWindow({ messages: 100, bytes: 100 })
    const [one, two, three] = Array.from({ length: 50 }, () => window.join()) as [WindowPart, WindowPart, WindowPart]
    window.take(one, 100)
    expect(window.roomFor(two, 1)).toBe('free')
    window.take(two, 1)
    expect(window.roomFor(three, 1)).toBe('full')
    window.free(two, 1, 1)
    expect(window.roomFor(three, 1)).toBe('free')
  })

  it('lets nothing through on top while it holds more than a smaller size allows', () => {
    const window = new SharedWindow({ messages: 10, bytes: 100 })
    const [one, other] = [window.join(), window.join()]
    window.take(one, 90)
    window.resize({ messages: 10, bytes: 50 })
    expect(window.roomFor(other, 1)).toBe('share')
  })

  it('keeps to the number of messages whatever their sizes', () => {
    const window = new SharedWindow({ messages: 2, bytes: 100 })
    const [one, two, three] = [window.join(), window.join(), window.join()]
    window.take(one, 90)
    window.take(two, 90)
    expect(window.roomFor(three, 1)).toBe('full')
  })

  it('gives one message to each shard as long as there are as many', () => {
    const window = new SharedWindow({ messages: 4, bytes: 1_000 })
    const parts = Array.from({ length: 4 }, () => window.join())
    expect(parts.map((part) => fill(window, part))).toEqual([1, 1, 1, 1])
  })

  it('never holds more than its size and one message, whatever comes and goes, and counts right to the end', () => {
    let state = 7
    const random = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below
    const window = new SharedWindow({ messages: 20, bytes: 300 })
    let size = { messages: 20, bytes: 300 }
    let held: { readonly part: WindowPart; readonly bytes: number }[] = []
    const parts: WindowPart[] = []
    for (let step = 0; step < 20_000; step++) {
      const what = random(20)
      if (what === 0 && parts.length < 8) parts.push(window.join())
      else if (what === 1 && parts.length > 0) {
        const [part] = parts.splice(random(parts.length), 1) as [WindowPart]
        window.leave(part)
        held = held.filter((each) => each.part !== part)
      } else if (what === 2) window.resize((size = { messages: 1 + random(40), bytes: 1 + random(600) }))
      else if (what < 12 && parts.length > 0) {
        const part = parts[random(parts.length)] as WindowPart
        const bytes = random(60)
        if (window.roomFor(part, bytes) !== 'free') continue
        window.take(part, bytes)
        held.push({ part, bytes })
        if (held.length > 1) expect(window.held.messages).toBeLessThanOrEqual(size.messages)
        const largest = held.reduce((most, each) => Math.max(most, each.bytes), 0)
        expect(window.held.bytes - largest).toBeLessThanOrEqual(size.bytes)
      } else if (held.length > 0) {
        const { part } = held[random(held.length)] as (typeof held)[number]
        const [{ bytes }] = held.splice(
          held.findIndex((each) => each.part === part),
          1,
        ) as [(typeof held)[number]]
        window.free(part, 1, bytes)
      }
      expect(window.held).toEqual({ messages: held.length, bytes: held.reduce((sum, each) => sum + each.bytes, 0) })
    }
  })
})
