import { describe, expect, it } from 'vitest'
import { Ledger } from './ledger.ts'
import { expectedOf, problemsOf, type Expected } from './report.ts'
import { planWorkload } from './workload.ts'

function ledgerOf(...handled: string[]): Ledger {
  const ledger = new Ledger()
  for (const id of ['a', 'b', 'b']) {
    ledger.sending(id, ['orders'], 'key')
    ledger.confirmed(id, ['orders'])
  }
  for (const id of handled) ledger.effect('orders', id)
  ledger.suppressed('orders', 'b')
  return ledger
}

const expected: Expected = { sent: 3, suppressed: 1, deadLettered: 0 }
const report = { asked: 2, answered: 2, deadLetters: [], idle: [] }

describe('the report', () => {
  it('finds nothing wrong with what adds up', () => {
    expect(problemsOf(ledgerOf('a', 'b').verdict(), report, expected)).toEqual([])
  })

  it('names what is lost, out of order, doubled or unexpected', () => {
    const problems = (...handled: string[]): string => problemsOf(ledgerOf(...handled).verdict(), report, expected).join('; ')
    expect(problems('a')).toContain('1 lost: orders b; orders: 2 owed, but 1 handled and 0 dead-lettered')
    expect(problems('b', 'a')).toBe('1 out of order: orders a')
    expect(problems('a', 'b', 'b')).toContain('1 handled more than once: orders b')
    expect(problems('a', 'b', 'x')).toBe('1 turned up where nobody sent them: orders x')
  })

  it('names copies of which nothing was seen, and counts what was, not what was planned', () => {
    const ledger = new Ledger()
    for (const _ of [1, 2]) {
      ledger.sending('a', ['orders'])
      ledger.confirmed('a', ['orders'])
    }
    ledger.effect('orders', 'a')
    expect(problemsOf(ledger.verdict(), report, { sent: 2, suppressed: 1, deadLettered: 0 })).toEqual([
      '1 repeated by their sender and seen too seldom: orders a',
      'suppressed is 0 and should be 1',
    ])
    ledger.suppressed('orders', 'a')
    ledger.suppressed('orders', 'a')
    expect(problemsOf(ledger.verdict(), report, { sent: 2, suppressed: 1, deadLettered: 0 })).toEqual(['suppressed is 2 and should be 1'])
    expect(problemsOf(ledger.verdict(), report, { sent: 2, suppressed: undefined, deadLettered: 0 })).toEqual([])
  })

  it('compares with what was planned', () => {
    const verdict = ledgerOf('a', 'b').verdict()
    expect(problemsOf(verdict, report, { sent: 4, suppressed: 2, deadLettered: 1 })).toEqual([
      'sent is 3 and should be 4',
      'suppressed is 1 and should be 2',
      'deadLettered is 0 and should be 1',
    ])
    expect(problemsOf(verdict, { ...report, idle: ['sendOnce'] }, expected)).toEqual(['1 had nothing to do: sendOnce'])
    expect(problemsOf(verdict, { ...report, deadLetters: ['orders c'] }, expected)).toEqual(['1 dead letters were found and 0 booked'])
    expect(problemsOf(verdict, { ...report, answered: 1 }, expected)).toEqual(['1 of 2 questions were answered rightly'])
  })

  it.each([100, 2_000, 10_000])('plans about %i messages of every sort, with ids of their own', (messages) => {
    const { trucks, orders, malformedOrders, arrivals } = planWorkload(messages)
    const ids = [...trucks.flatMap(({ bursts, blind }) => [...bursts.flat(), ...blind]), ...orders, ...malformedOrders, ...arrivals].map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.length).toBeGreaterThanOrEqual(messages)
    expect(ids.length).toBeLessThan(messages * 1.1)
    const { suppressed, deadLettered } = expectedOf(planWorkload(messages), false)
    expect(malformedOrders.length * (suppressed ?? 0) * deadLettered).toBeGreaterThan(0)
  })
})
