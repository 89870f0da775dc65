import { describe, expect, it } from 'vitest'
import { violations } from './check.ts'
import { emptyHistory, type History } from './history.ts'

const promised = { ordered: true, once: true, individually: true }

function history(handled: readonly string[], change: (history: History) => void = () => undefined): History {
  const made = emptyHistory()
  for (const [number, id] of ['a1', 'a2', 'b1', 'a3'].entries()) {
    made.sent.set(id, { id, key: id.charAt(0), number, outcome: 'confirmed' })
    made.copies.set(id, 1)
  }
  made.concluded.push(...handled)
  for (const id of new Set(handled)) made.effects.set(id, 1)
  change(made)
  return made
}

describe('the checker', () => {
  it('passes a run in order, with repetitions that step back', () => {
    expect(violations(history(['a1', 'b1', 'a2', 'a1', 'a2', 'a3']), promised)).toEqual([])
  })

  it('passes what was dead-lettered', () => {
    expect(
      violations(
        history(['a1', 'a2', 'a3'], (made) => made.deadLettered.add('b1')),
        promised,
      ),
    ).toEqual([])
  })

  it('passes as many more effects as processes have crashed before they could store them', () => {
    const crashed = history(['a1', 'a2', 'a3', 'b1'], (made) => {
      made.effects.set('b1', 3)
      made.windows.set('b1', 2)
    })
    expect(violations(crashed, promised)).toEqual([])
    crashed.windows.set('b1', 1)
    expect(violations(crashed, promised)).toEqual(['effect: that of b1 took place 3 times, with 1 crashes between effect and completion'])
  })

  const planted: readonly (readonly [string, History])[] = [
    ['lost: a2', history(['a1', 'b1', 'a3'])],
    ['order: a2', history(['a1', 'a3', 'a2', 'b1'])],
    ['effect: that of b1 took place 2 times', history(['a1', 'a2', 'b1', 'a3'], (made) => made.effects.set('b1', 2))],
    ['body: that of a1 was deleted', history(['a1', 'a2', 'b1', 'a3'], (made) => made.problems.add('body: that of a1 was deleted'))],
    ['settled: a1 was acked 2 times', history(['a1', 'a2', 'b1', 'a3'], (made) => made.acks.set('a1', 2))],
    ['drain: 1 handlers were started', history(['a1', 'a2', 'b1', 'a3'], (made) => void (made.startedAfterDrain = 1))],
    ['drain: 2 messages were not handed back', history(['a1', 'a2', 'b1', 'a3'], (made) => void (made.heldAtClose = 2))],
    ['drain: 2 messages were held after it', history(['a1', 'a2', 'b1', 'a3'], (made) => void (made.heldAfterDrain = 2))],
    ['drain: 1 connections were left open', history(['a1', 'a2', 'b1', 'a3'], (made) => void (made.linksAfterDrain = 1))],
    ['left: the broker has 1 ready', history(['a1', 'a2', 'b1', 'a3'], (made) => void (made.leftovers = { ready: 1, delayed: 0, inFlight: 0 }))],
    ['0 ready, 1 delayed', history(['a1', 'a2', 'b1', 'a3'], (made) => void (made.leftovers = { ready: 0, delayed: 1, inFlight: 0 }))],
    ['0 delayed, 3 in flight', history(['a1', 'a2', 'b1', 'a3'], (made) => void (made.leftovers = { ready: 0, delayed: 0, inFlight: 3 }))],
    ['1 promises never settled', history(['a1', 'a2', 'b1', 'a3'], (made) => void (made.unsettledPromises = 1))],
  ]
  for (const [text, broken] of planted) {
    it(`sees "${text}"`, () => {
      const found = violations(broken, promised)
      expect(found).toHaveLength(1)
      expect(found[0]).toContain(text)
    })
  }
})
