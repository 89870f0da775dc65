import { describe, expect, it } from 'vitest'
import { runSchedule } from './program.ts'

describe('a simulated program', () => {
  it('has one trace per seed, byte for byte, whatever the thread pool does', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const [once, again] = [await runSchedule(seed), await runSchedule(seed)]
      expect(once.trace.length).toBeGreaterThan(20)
      expect(again.trace.join('\n')).toBe(once.trace.join('\n'))
      expect(again.history).toEqual(once.history)
    }
  })

  it('has another trace for another seed', async () => {
    expect((await runSchedule(1)).trace).not.toEqual((await runSchedule(2)).trace)
  })
})
