import { describe, expect, it } from 'vitest'
import { pageSize } from './claim-pages.ts'
import { ClaimTable } from './claim-table.ts'

/** Adds claims `prefix0`, `prefix1`, … */
function addMany(table: ClaimTable, count: number, prefix: string, expiresAt: number): void {
  for (let index = 0; index < count; index++) table.add(`${prefix}${index}`, 'owner', index + 1, expiresAt)
}

describe('ClaimTable', () => {
  it('looks at no more than it is told to, and has looked at everything after one round', () => {
    const table = new ClaimTable()
    addMany(table, 10_000, 'old', 10)
    table.sweep(10, 100)
    expect(table.size).toBe(9_900)
    table.sweep(9, 20_000)
    expect(table.size).toBe(9_900)
    table.sweep(10, 3 * pageSize)
    expect(table.size).toBe(0)
  })

  it('gives back the pages of what has expired, and takes new ones for what comes', () => {
    const table = new ClaimTable()
    for (let round = 1; round <= 3; round++) {
      addMany(table, 5 * pageSize, `${round}-`, round)
      expect(table.places).toBeLessThanOrEqual(6 * pageSize)
      table.sweep(round, 7 * pageSize)
      expect([table.size, table.places]).toEqual([0, pageSize])
    }
  })

  it('goes round quickly again when a rush is over', () => {
    const table = new ClaimTable()
    addMany(table, 30 * pageSize, 'rush', 10)
    table.sweep(10, 31 * pageSize)
    addMany(table, 100, 'late', 20)
    table.sweep(20, 3 * pageSize)
    expect(table.size).toBe(0)
  })

  it('needs no memory for claims that end in the turn in which they began', () => {
    const table = new ClaimTable()
    for (let count = 0; count < 10 * pageSize; count++) {
      table.add('again', 'owner', count, 10)
      table.delete(table.find('again'))
    }
    expect([table.size, table.places]).toEqual([0, pageSize])
  })

  it('moves together what lasts long, unharmed, so that one claim does not hold the memory of a page', () => {
    const table = new ClaimTable()
    const total = 20 * pageSize
    for (let index = 0; index < total; index++) table.add(`key-${index}`, `owner-${index}`, index, index % 64 === 0 ? 1_000 : 10)
    table.sweep(10, 2 * total)
    expect(table.size).toBe(total / 64)
    expect(table.places).toBeLessThanOrEqual(2 * pageSize)
    for (let index = 0; index < total; index += 64) {
      const number = table.find(`key-${index}`)
      const [page, at] = [table.page(number), number % pageSize]
      expect([page.texts[at], page.fences[at], page.expiresAt[at]]).toEqual([`owner-${index}`, index, 1_000])
    }
    expect(table.find('key-1')).toBe(-1)
    expect(table.numbers().length).toBe(total / 64)
  })
})
