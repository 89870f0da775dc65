import { describe, expect, it } from 'vitest'
import { nextStep, type Outlook } from './shares.ts'

const never = (): boolean => false

/** Holders by index; `''` for a session that nobody has. */
function outlook(holders: readonly string[], held: readonly number[] = [], parts: Partial<Outlook> = {}): Outlook {
  const notes = new Map(holders.map((holder, index) => [index, { filter: 'f', members: holders.length, ...(holder === '' ? {} : { holder }) }]))
  return { notes, members: holders.length, holder: 'me', held: new Set(held), stranded: never, gone: never, yielded: never, ...parts }
}

describe('nextStep', () => {
  it('alone takes all', () => {
    expect(nextStep(outlook(['', '', '']))).toEqual({ take: 0 })
    expect(nextStep(outlook(['me', 'me', ''], [0, 1]))).toEqual({ take: 2 })
    expect(nextStep(outlook(['me', 'me', 'me'], [0, 1, 2]))).toBeUndefined()
  })

  it('takes what nobody has up to its share, and what is stranded beyond it', () => {
    expect(nextStep(outlook(['a', '', 'me', ''], [2]))).toEqual({ take: 1 })
    expect(nextStep(outlook(['a', 'me', 'me', ''], [1, 2]))).toBeUndefined()
    expect(nextStep(outlook(['a', 'me', 'me', ''], [1, 2], { stranded: (index) => index === 3 }))).toEqual({ take: 3 })
  })

  it('takes what belongs to one who no longer answers, whatever its share', () => {
    expect(nextStep(outlook(['a', 'a', 'me', 'me'], [2, 3], { gone: (index) => index === 1 }))).toEqual({ take: 1 })
  })

  it('leaves what it has given away to whoever asked for it', () => {
    expect(nextStep(outlook(['me', ''], [0], { yielded: (index) => index === 1 }))).toBeUndefined()
  })

  it('asks whoever has most, until it has its share', () => {
    expect(nextStep(outlook(['a', 'b', 'b', 'b']))).toEqual({ ask: 3 })
    expect(nextStep(outlook(['a', 'a']))).toEqual({ ask: 1 })
    expect(nextStep(outlook(['a', 'a', 'me', 'me'], [2, 3]))).toBeUndefined()
  })

  it('stands by where there are no more sessions than processes', () => {
    expect(nextStep(outlook(['a', 'b']))).toBeUndefined()
    expect(nextStep(outlook(['a']))).toBeUndefined()
  })

  it('takes back a session that is noted as its own and that it has lost', () => {
    expect(nextStep(outlook(['a', 'me']))).toEqual({ take: 1 })
  })

  it('ends in even shares, whoever comes and goes', () => {
    const members = 7
    const holders = Array.from({ length: members }, () => '')
    const counts = (): string[] => ['p', 'q', 'r'].map((process) => String(holders.filter((holder) => holder === process).length))
    const settle = (processes: readonly string[]): void => {
      for (let round = 0; round < 50; round++) {
        for (const holder of processes) {
          const held = new Set(holders.flatMap((other, index) => (other === holder ? [index] : [])))
          const step = nextStep({ ...outlook(holders), holder, held, stranded: never })
          if (step !== undefined) holders['take' in step ? step.take : step.ask] = holder
        }
      }
    }
    settle(['p'])
    expect(counts()).toEqual(['7', '0', '0'])
    settle(['p', 'q'])
    expect(counts().toSorted()).toEqual(['0', '3', '4'])
    settle(['p', 'q', 'r'])
    expect(counts().toSorted()).toEqual(['2', '2', '3'])
    for (const [index, holder] of holders.entries()) if (holder === 'p') holders[index] = ''
    settle(['q', 'r'])
    expect(counts().slice(1).toSorted()).toEqual(['3', '4'])
  })
})
