import { expect, it } from 'vitest'
import { script, type FaultKind } from './script.ts'

const kinds: readonly FaultKind[] = [
  { name: 'cut', lastsMs: [0, 0] },
  { name: 'freeze', lastsMs: [500, 4_000] },
  { name: 'kill', lastsMs: [0, 500], strikes: 'producer' },
]
const options = { seed: 7, forMs: 60_000, kinds, consumers: 2, producers: 3 }

it('is decided by the seed', () => {
  expect(script(options)).toEqual(script(options))
  expect(script({ ...options, seed: 8 })).not.toEqual(script(options))
})

it('fits into the time, and ends when no fault is left', () => {
  for (let seed = 0; seed < 50; seed++) {
    const steps = script({ ...options, seed })
    const total = steps.reduce((sum, { afterMs, lastsMs }) => sum + afterMs + lastsMs, 0)
    expect(total).toBeLessThanOrEqual(60_000)
    expect(total).toBeGreaterThan(50_000)
  }
  expect(script({ ...options, kinds: [] })).toEqual([])
})

it('takes every kind before any again, for as long as it says, at a process that there is', () => {
  const steps = script(options)
  expect(
    steps
      .slice(0, 3)
      .map(({ fault }) => fault)
      .toSorted(),
  ).toEqual(['cut', 'freeze', 'kill'])
  for (const { fault, lastsMs, target } of steps) {
    const {
      lastsMs: [least, most],
      strikes,
    } = kinds.find(({ name }) => name === fault) as FaultKind
    expect(lastsMs).toBeGreaterThanOrEqual(least)
    expect(lastsMs).toBeLessThanOrEqual(most)
    expect(target).toBeLessThan(strikes === 'producer' ? 3 : 2)
  }
  expect(new Set(steps.filter(({ fault }) => fault === 'kill').map(({ target }) => target)).size).toBeGreaterThan(1)
})
