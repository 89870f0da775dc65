import { allCases, capabilityKeys } from '@busbar/contract-tests'
import { describe, expect, it } from 'vitest'
import { allMutants } from '../all-mutants.ts'
import { falseClaims } from './index.ts'

const named = new Map(allMutants.map((mutant) => [mutant.name, mutant]))

describe('the table of false claims', () => {
  it('has every capability and no other', () => {
    expect(Object.keys(falseClaims).toSorted()).toEqual([...capabilityKeys].toSorted())
  })

  it.each(capabilityKeys)('knows drivers that claim %s falsely', (key) => {
    const { mutants, others = [] } = falseClaims[key]
    expect(mutants.length + others.length).toBeGreaterThan(0)
    expect(others.filter((name) => !named.has(name))).toEqual([])
  })

  it.each(capabilityKeys)('has %s refuted by cases that say that they examine it', (key) => {
    const { mutants, others = [] } = falseClaims[key]
    const killers = [...mutants, ...others.flatMap((name) => named.get(name) ?? [])].map(({ killedBy }) => killedBy)
    const examining = new Set(allCases.filter(({ examines }) => examines.includes(key)).map(({ id }) => id))
    expect(killers.filter((id) => !examining.has(id))).toEqual([])
  })
})
