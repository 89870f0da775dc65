import { expect, it } from 'vitest'
import { broken } from '../run/parts/tests.ts'
import { lines, summary } from './report.ts'
import type { RunReport } from './run.ts'

const clean: RunReport = {
  verdict: {
    sent: 100,
    handled: 99,
    deadLettered: 1,
    repeats: 7,
    unconfirmed: 2,
    lost: [],
    outOfOrder: [],
    doubleEffects: [],
    others: [],
    memoryBytes: 2 ** 27,
  },
  recoveries: [
    { fault: 'cut', ms: 40 },
    { fault: 'killed', ms: 1_210 },
    { fault: 'cut', ms: 120 },
  ],
  faults: 4,
  seconds: 12,
  folder: '/histories',
}
const wrong = (changes: Partial<RunReport['verdict']>): RunReport => ({ ...clean, verdict: { ...clean.verdict, ...changes } })

it('ends with a line that the certificate can read', () => {
  expect(summary([clean, clean])).toEqual({
    text: 'chaos: sent 200, lost 0, out of order 0, double effects 0, recovered in ≤ 1.3 s',
    clean: true,
    skipped: false,
  })
  expect(broken(summary([clean]).text)).toEqual({ passed: 1, failed: 0 })
  expect(broken('chaos: something else')).toBeUndefined()
})

it.each([{ lost: ['a'] }, { outOfOrder: ['a'] }, { doubleEffects: ['a'] }, { others: ['stuck'] }])('is not clean with %o', (changes) => {
  const { text, ...ended } = summary([clean, wrong(changes)])
  expect(ended).toEqual({ clean: false, skipped: false })
  expect(broken(text)).toEqual({ passed: 0, failed: 1 })
  expect(lines(wrong(changes), false)).toContain('the histories are in /histories')
})

it('is not clean when nothing was handled after a fault, or nothing ran', () => {
  expect(summary([{ ...clean, recoveries: [{ fault: 'cut', ms: undefined }] }])).toMatchObject({ clean: false, skipped: false })
  expect(lines({ ...clean, recoveries: [{ fault: 'cut', ms: undefined }] }, false)).toContain('the histories are in /histories')
  expect(summary([])).toMatchObject({ clean: false, skipped: true })
  expect(broken(summary([]).text)).toEqual({ passed: 0, failed: 0 })
})

it('names the slowest recovery of each fault, and few examples of many', () => {
  const all = lines(wrong({ lost: Array.from({ length: 12 }, (_, index) => `p/a/${index}`) }), false)
  expect(all).toEqual(expect.arrayContaining(['cut: recovered in 0.12 s', 'killed: recovered in 1.21 s', 'lost: p/a/9', 'lost: 2 more']))
  expect(all).not.toContain('lost: p/a/10')
  expect(lines(clean, false).join()).not.toContain('/histories')
})

it('says that double effects were not judged, and is not clean then', () => {
  const unjudged = wrong({ doubleEffects: undefined })
  const { text, ...ended } = summary([clean, unjudged])
  expect(text).toBe('chaos: sent 200, lost 0, out of order 0, double effects not judged, recovered in ≤ 1.3 s')
  expect(ended).toEqual({ clean: false, skipped: true })
  expect(broken(text)).toEqual({ passed: 0, failed: 0 })
  expect(lines(unjudged, false)).toContain('double effects are not judged: there was no Redis for idempotency')
  // What was found elsewhere, and what else is wrong, count all the same.
  const both = summary([wrong({ doubleEffects: ['a'] }), unjudged])
  expect(both).toMatchObject({ text: expect.stringContaining('double effects 1,'), clean: false, skipped: false })
  expect(broken(summary([wrong({ doubleEffects: undefined, lost: ['a'] })]).text)).toEqual({ passed: 0, failed: 1 })
})

it('is not clean when no fault has struck', () => {
  const idle: RunReport = { ...clean, recoveries: [], faults: 0 }
  const { text, ...ended } = summary([clean, idle])
  expect(ended).toEqual({ clean: false, skipped: false })
  expect(broken(text)).toEqual({ passed: 0, failed: 1 })
  expect(lines(idle, false)).toEqual(expect.arrayContaining(['wrong: nothing was broken: no fault has struck', 'the histories are in /histories']))
})
