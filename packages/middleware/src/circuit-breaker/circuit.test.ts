import { Directive } from '@busbar/core'
import { describe, expect, it } from 'vitest'
import { makeContext } from '../test-support/context.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { seededRandom } from '../test-support/seeded-random.ts'
import { Circuit } from './circuit.ts'

const probes = 3

interface Running {
  readonly era: number
  readonly context: ReturnType<typeof makeContext>
}

describe('Circuit, whatever happens', () => {
  it.each(Array.from({ length: 30 }, (_, seed) => seed))('is never stuck and never lets too much through (seed %d)', async (seed) => {
    const random = seededRandom(seed)
    const clock = new ManualClock()
    const circuit = new Circuit({ failures: 4, failureRate: 2, minimum: 1, windowMs: 1_000, openMs: 500, probes, onChange: undefined })
    let suspensions = 0
    const running: Running[] = []

    function begin(): void {
      const context = Object.assign(makeContext({ clock }), {
        suspend: () => {
          suspensions++
          return () => void suspensions--
        },
      })
      // A suspended consumer starts nothing, but for what was on its way.
      if (suspensions > 0 && random() < 0.8) return
      const before = circuit.state
      const era = circuit.begin(context)
      if (before !== 'half-open') expect(era instanceof Directive).toBe(before === 'open')
      if (typeof era === 'number') running.push({ era, context })
    }

    function end(): void {
      const [attempt] = running.splice(Math.floor(random() * running.length), 1)
      const chance = random()
      if (attempt) circuit.end(attempt.era, attempt.context, chance < 0.2 ? undefined : chance < 0.6)
    }

    for (let step = 0; step < 1_000; step++) {
      const chance = random()
      if (chance < 0.45) begin()
      else if (chance < 0.85) end()
      else if (chance < 0.99) await clock.advance(random() * 200)
      else circuit.reset()
      expect(suspensions).toBeGreaterThanOrEqual(0)
      expect(clock.timers).toBeLessThanOrEqual(1)
      if (circuit.state === 'closed') expect([suspensions, clock.timers]).toEqual([0, 0])
      // Whoever is suspended is woken by a timer.
      if (circuit.state === 'open' || suspensions > 0) expect(clock.timers).toBe(1)
    }
    while (running.length > 0) end()
    await clock.advance(2_000)
    expect([suspensions, clock.timers, circuit.state === 'open']).toEqual([0, 0, false])
  })
})
