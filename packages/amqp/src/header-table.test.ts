import { expect, it } from 'vitest'
import { HeaderTable } from './header-table.ts'

it('is one object for headers of the same names, in any order', () => {
  const table = new HeaderTable()
  const first = table.with({ tenant: 'a', trace: '1' })
  expect({ ...first }).toEqual({ tenant: 'a', trace: '1' })
  const second = table.with({ trace: '2', tenant: 'b' })
  expect({ ...second }).toEqual({ tenant: 'b', trace: '2' })
  expect(second).toBe(first)
})

it.each([
  [{ tenant: 'a', trace: '1' }, { tenant: 'a' }],
  [{ tenant: 'a' }, { tenant: 'a', trace: '1' }],
  [
    { tenant: 'a', trace: '1' },
    { tenant: 'a', other: '1' },
  ],
  [{}, { toString: 'a' }],
  [{ tenant: 'a' }, {}],
])('has nothing of %j when it is given %j', (before, then) => {
  const table = new HeaderTable()
  const first = table.with(before)
  const second = table.with(then)
  expect({ ...second }).toEqual(then)
  expect(second).not.toBe(first)
})

it('has the names of an object that are also its own', () => {
  const headers = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>
  const table = new HeaderTable().with(headers)
  expect(Object.entries(table)).toEqual([
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ])
})
