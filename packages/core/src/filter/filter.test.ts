import { describe, expect, it } from 'vitest'
import { compileFilter, compileHeaderFilter } from '../driver/compile-filter.ts'
import { isBrokerError } from '../errors.ts'
import { filterRefusals, type FilterRefusal } from './filter-refusals.ts'
import { filterVectors, type FilterVector } from './filter-vectors.ts'
import type { Filter, HeaderFilter } from './grammar.ts'
import { validateFilter, validateHeaderFilter } from './validate-filter.ts'

function compile(vector: FilterVector): (value: unknown) => boolean {
  if (vector.scope === 'body') return compileFilter(vector.filter as Filter)
  const test = compileHeaderFilter(vector.filter as HeaderFilter)
  return (value) => test(value as Record<string, string>)
}

function validate(refusal: FilterRefusal): void {
  if (refusal.scope === 'body') validateFilter(refusal.filter as Filter, 'here')
  else validateHeaderFilter(refusal.filter as HeaderFilter, 'here')
}

describe.each(filterVectors.map((vector) => [`${vector.scope}: ${vector.rule}`, vector] as const))('%s', (_name, vector) => {
  it.each(vector.matches.map((value) => [value]))('matches %j', (value) => {
    expect(compile(vector)(value)).toBe(true)
  })

  it.each(vector.misses.map((value) => [value]))('does not match %j', (value) => {
    expect(compile(vector)(value)).toBe(false)
  })
})

it('looks into lists however deeply they are nested', () => {
  const nested = (value: unknown): unknown => Array.from({ length: 50_000 }).reduce<unknown>((inner) => [inner, []], value)
  const filter = compileFilter({ a: ['x'], b: { c: [{ exists: true }] } })
  expect(filter({ a: nested('x'), b: nested({ c: nested(1) }) })).toBe(true)
  expect(filter({ a: nested('x'), b: nested({ c: nested([]) }) })).toBe(false)
  expect(filter({ a: nested('x'), b: nested(1) })).toBe(false)
})

describe('refused filters', () => {
  it.each(filterRefusals.map((refusal) => [`${refusal.scope}: ${refusal.rule}`, refusal] as const))('%s', (_name, refusal) => {
    let error: unknown
    try {
      validate(refusal)
    } catch (thrown) {
      error = thrown
    }
    expect(isBrokerError(error) && error.code).toBe('ERR_CONFIGURATION')
    expect((error as Error).message).toMatch(/^here/)
    expect((error as Error).message.endsWith(refusal.reason)).toBe(true)
  })

  it('name the key that is wrong', () => {
    expect(() => validateFilter({ order: { total: [{ numeric: ['>', 6, '<', 5] }] } })).toThrow("filter, key 'order.total': Bottom must be less than top")
    expect(() => validateFilter({ $or: [{ a: ['x'] }, { b: [] }] })).toThrow("filter, key '$or.1.b': Empty arrays are not allowed")
  })

  it('are refused when compiled, too', () => {
    expect(() => compileFilter({ a: [] })).toThrow('Empty arrays')
    expect(() => compileHeaderFilter({ a: [5 as never] })).toThrow('never matches')
  })

  it('name members that have no text of their own', () => {
    const bare: unknown = [Object.create(null)]
    expect(() => validateFilter({ a: [{ numeric: bare }] } as Filter)).toThrow('Invalid member in numeric match: {}')
    expect(() => validateFilter({ a: [{ numeric: ['>', 1, bare, 2] }] } as Filter)).toThrow('Bad numeric range operator: [{}]')
  })

  it('include filters with cycles and endless nesting', () => {
    const cyclic: Record<string, unknown> = {}
    cyclic['a'] = cyclic
    expect(() => validateFilter(cyclic as Filter)).toThrow('failed to parse JSON')
    const deep = Array.from({ length: 40 }).reduce<object>((inner) => ({ a: inner }), { a: ['x'] })
    expect(() => validateFilter(deep as Filter)).toThrow('nested deeper than 32 levels')
    const endless = Array.from({ length: 200_000 }).reduce<object>((inner) => ({ $or: [inner, inner] }), { a: ['x'] })
    expect(() => validateFilter(endless as Filter)).toThrow('failed to parse JSON')
  })
})
