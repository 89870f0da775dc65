import { describe, expect, it } from 'vitest'
import { allStoreCases } from './all-cases.ts'
import { storeCaseIds } from './case-ids.ts'

describe('the list of cases for stores', () => {
  it('holds exactly the ids that mutants can name, in their order', () => {
    expect(allStoreCases.map(({ id }) => id)).toEqual(storeCaseIds)
    expect(new Set(storeCaseIds).size).toBe(storeCaseIds.length)
  })

  it('names a mutant for every case', () => {
    expect(allStoreCases.filter(({ kills }) => kills.length === 0).map(({ id }) => id)).toEqual([])
  })
})
