import type { Driver, Outcome, SettleResult } from '@busbar/core/driver'
import { seededRandom } from '@busbar/memory'
import { describe, expect, it } from 'vitest'
import { alter } from '../mutants/alter.ts'
import { violations } from './check.ts'
import { settingOf, settings, type Setting } from './plan.ts'
import { runSchedule } from './program.ts'

const mostSeeds = 200

/** The first seed of each setting with which the checker finds a broken driver out by a sentence that matches `text`. */
async function findOut(text: RegExp, wrap: (driver: Driver) => Driver): Promise<Map<Setting, number>> {
  const found = new Map<Setting, number>()
  for (let seed = 1; seed <= mostSeeds && found.size < settings.length; seed++) {
    const setting = settingOf(seededRandom(seed))
    if (found.has(setting)) continue
    const { history, promised } = await runSchedule(seed, { driver: wrap })
    if (violations(history, promised).some((sentence) => text.test(sentence))) found.set(setting, seed)
  }
  return found
}

describe('the simulation finds out, in every setting, a driver', () => {
  it('that hands nothing back', { timeout: 60_000 }, async () => {
    const found = await findOut(/^drain: \d+ messages were not handed back before the connection was closed$/, (driver) =>
      alter(driver, { receiver: () => ({ handBack: async () => {} }) }),
    )
    expect(new Set(found.keys())).toEqual(new Set(settings))
  })

  it('that stays connected', { timeout: 60_000 }, async () => {
    const found = await findOut(/^drain: \d+ connections were left open$/, (driver) => alter(driver, { link: () => ({ close: async () => {} }) }))
    expect(new Set(found.keys())).toEqual(new Set(settings))
  })

  it('that claims to have settled one message and has not', { timeout: 60_000 }, async () => {
    const lies = (outcome: Outcome): boolean => outcome.delivery.incoming.id === 'm3'
    const found = await findOut(/^left: the broker has \d+ ready/, (driver) =>
      alter(driver, {
        settle: async (outcomes, next) => {
          const settled = [...(await next(outcomes.filter((outcome) => !lies(outcome))))]
          return outcomes.map((outcome) => (lies(outcome) ? 'durable' : (settled.shift() as SettleResult)))
        },
      }),
    )
    expect(new Set(found.keys())).toEqual(new Set(settings))
  })
})
