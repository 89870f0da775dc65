import { expect, it } from 'vitest'
import { parseEvent } from './history.ts'
import { RecoveryWatch, type Recovery } from './recovery.ts'

function recoveriesOf(...lines: readonly string[]): readonly Recovery[] {
  const watch = new RecoveryWatch()
  for (const line of lines) watch.add(parseEvent(line.replaceAll(' ', '\t')))
  return watch.recoveries()
}

it('counts from the end of a fault to the first effect of what was sent after it', () => {
  const old = ['1000000 sending a', '7000000 effect a']
  expect(recoveriesOf('2000000 fault cut', '3000000 over cut', ...old, '5000000 sending b', '9000000 effect b')).toEqual([{ fault: 'cut', ms: 6 }])
  // Histories are read in turn: that of the consumer may come first.
  expect(recoveriesOf('9000000 effect b', '5000000 sending b', '3000000 over cut', '2000000 fault cut')).toEqual([{ fault: 'cut', ms: 6 }])
})

it('says when nothing sent after it was handled', () => {
  expect(recoveriesOf('2 fault cut', '3 over cut', '1 sending a', '7 effect a', '8 sending b')).toEqual([{ fault: 'cut', ms: undefined }])
})

it('counts through faults that strike before things work again: each has its time, the first one the longest', () => {
  const lines = ['2 fault cut', '1000000 over cut', '1000001 sending a', '1000004 fault kill', '4000000 over kill', '4000006 sending b']
  expect(recoveriesOf(...lines, '7000000 effect b', '8000000 effect a')).toEqual([
    { fault: 'cut', ms: 6 },
    { fault: 'kill', ms: 3 },
  ])
  // The first has healed while the second lasts.
  expect(recoveriesOf(...lines, '3000000 effect a', '9000000 effect b')).toEqual([
    { fault: 'cut', ms: 2 },
    { fault: 'kill', ms: 5 },
  ])
})

it('finds that nothing was handled while one fault followed the other', () => {
  const second = 1_000_000_000
  const faults = Array.from({ length: 300 }, (_, index) => 2 * index * second + 1).flatMap((at) => [
    `${at} fault cut`,
    `${at + 1_000} over cut`,
    `${at + 2_000} sending p/a/${at}`,
  ])
  const found = recoveriesOf(...faults, `${600 * second} sending p/a/600`, `${601 * second + 1_001} effect p/a/600`)
  expect(found).toHaveLength(300)
  expect(found.at(0)?.ms).toBe(601_000)
  expect(found.at(-1)?.ms).toBe(3_000)
})

it('has no time for faults in which the run ended, or that did not end', () => {
  const lines = ['2 fault cut', '3 over cut', '4 sending a', '5 fault kill', '6 over kill', '1000003 effect a', '1000004 fault stop']
  expect(recoveriesOf(...lines)).toEqual([
    { fault: 'cut', ms: 1 },
    { fault: 'kill', ms: undefined },
    { fault: 'stop', ms: undefined },
  ])
})

it('does not count an effect of what nobody sent', () => {
  expect(recoveriesOf('2 fault cut', '3 over cut', '4 effect a')).toEqual([{ fault: 'cut', ms: undefined }])
})
