import { expect, it } from 'vitest'
import { filterBindings } from './header-filter.ts'

it('binds everything without a filter', () => {
  expect(filterBindings(undefined)).toEqual([{ 'x-match': 'all' }])
})

it('turns alternatives into bindings and several headers into one', () => {
  expect(filterBindings({ tier: ['gold', 'silver'], region: [{ exists: true }] })).toEqual([
    { tier: 'gold', region: null, 'x-match': 'all' },
    { tier: 'silver', region: null, 'x-match': 'all' },
  ])
  expect(filterBindings({ 'x-tier': ['gold'] })).toEqual([{ 'x-tier': 'gold', 'x-match': 'all-with-x' }])
})

it.each([
  [{ tier: [{ prefix: 'g' }] }],
  [{ tier: [{ exists: false }] }],
  [{ tier: [{ 'anything-but': 'gold' }] }],
  [{ tier: [] }],
  [{ 'content-encoding': ['gzip'] }],
  [{ 'x-match': ['a'] }],
  [{ 'x-match': ['any'], tenant: ['acme'] }],
] as const)('has no bindings for %j', (filter) => {
  expect(filterBindings(filter)).toBeUndefined()
})

it('gives up where combinations explode', () => {
  const values = Array.from({ length: 9 }, (_, index) => `v${index}`)
  expect(filterBindings({ a: values, b: values })).toBeUndefined()
})
