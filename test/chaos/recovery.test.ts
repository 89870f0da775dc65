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

it('leaves out a fault that had not healed when the next one struck', () => {
  const lines = ['2 fault cut', '3 over cut', '4 fault kill', '1000005 over kill', '1000006 sending a', '3000005 effect a']
  expect(recoveriesOf(...lines)).toEqual([{ fault: 'kill', ms: 2 }])
})
