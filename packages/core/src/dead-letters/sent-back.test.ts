import { expect, it } from 'vitest'
import type { Incoming } from '../driver/receiver.ts'
import { deadLetterHeader, packDeadLetter } from './header.ts'
import { SentBack } from './sent-back.ts'

const startedAt = 1_000_000

function letter(id: string | undefined, lastFailureAt?: number): Incoming {
  const info = { reason: 'no', errorName: undefined, errorMessage: undefined, attempts: 1, source: 'orders', firstFailureAt: 1 }
  const headers = lastFailureAt === undefined ? {} : { [deadLetterHeader]: packDeadLetter({ ...info, lastFailureAt }) }
  return { id, headers } as Incoming
}

it('what has not been sent back has not failed again, whatever the clock of its consumer said', () => {
  const sentBack = new SentBack(startedAt)
  for (const failedAt of [undefined, startedAt - 1, startedAt, startedAt + 600_000]) expect(sentBack.hasFailedAgain(letter('a', failedAt))).toBe(false)
})

it('what has been sent back and has a later failure has failed again', () => {
  const sentBack = new SentBack(startedAt)
  sentBack.add(letter('a', startedAt - 5))
  expect(sentBack.hasFailedAgain(letter('a', startedAt + 1))).toBe(true)
  expect(sentBack.hasFailedAgain(letter('b', startedAt + 1))).toBe(false)
})

it.each([
  ['copies that failed before', startedAt - 1],
  ['consumers whose clock is behind or stands still', startedAt],
  ['what the broker itself put there, which says nothing', undefined],
])('is bounded for %s: ten times, and not for ever', (_, failedAt) => {
  const sentBack = new SentBack(startedAt)
  let times = 0
  while (times < 100 && !sentBack.hasFailedAgain(letter('a', failedAt))) {
    sentBack.add(letter('a', failedAt))
    times++
  }
  expect(times).toBe(10)
})

it('goes by the time alone where there is no id, and where it had to forget', () => {
  const sentBack = new SentBack(startedAt)
  expect(sentBack.hasFailedAgain(letter(undefined, startedAt + 1))).toBe(true)
  expect(sentBack.hasFailedAgain(letter(undefined, startedAt - 1))).toBe(false)
  for (let n = 0; n <= 100_000; n++) sentBack.add({ id: `m${n}`, headers: {} } as Incoming)
  expect(sentBack.hasFailedAgain(letter('m0', startedAt + 1))).toBe(true)
  expect(sentBack.hasFailedAgain(letter('m0', startedAt - 1))).toBe(false)
})
