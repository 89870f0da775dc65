import { describe, expect, it } from 'vitest'
import { runSchedule } from './program.ts'

describe('a simulated program', () => {
  it('has one trace per seed, byte for byte, whatever the thread pool does and whatever runs beside it', { timeout: 60_000 }, async () => {
    const seeds = Array.from({ length: 60 }, (_, index) => index + 1)
    const beside = await Promise.all(seeds.map((seed) => runSchedule(seed)))
    for (const [index, seed] of seeds.entries()) {
      const alone = await runSchedule(seed)
      expect(alone.trace.length).toBeGreaterThan(20)
      expect(beside[index]?.trace.join('\n')).toBe(alone.trace.join('\n'))
      expect(beside[index]?.history).toEqual(alone.history)
    }
  })

  it('has another trace for another seed', async () => {
    expect((await runSchedule(1)).trace).not.toEqual((await runSchedule(2)).trace)
  })
})
