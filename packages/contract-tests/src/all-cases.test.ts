import { describe, expect, it } from 'vitest'
import { allCases } from './all-cases.ts'
import { capabilityKeys } from './capabilities/claims.ts'
import { caseIds } from './case-ids.ts'

describe('the list of cases', () => {
  it('holds exactly the ids that known gaps and mutants can name, each once', () => {
    expect(allCases.map(({ id }) => id).toSorted()).toEqual([...caseIds].toSorted())
    expect(new Set(caseIds).size).toBe(caseIds.length)
  })

  it('examines every capability', () => {
    const examined = new Set(allCases.flatMap(({ examines }) => examines))
    expect(capabilityKeys.filter((key) => !examined.has(key))).toEqual([])
  })

  it('names a mutant for every case but those that examine core alone', () => {
    const without = allCases.filter(({ kills }) => kills.length === 0).map(({ id }) => id)
    expect(without.every((id) => id.endsWith('-refused') || id === 'dead-letters/refused-without-place')).toBe(true)
  })
})
