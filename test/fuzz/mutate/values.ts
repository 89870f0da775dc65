import type { Draw } from '../draw.ts'
import { anyText, fragments, mutatedText } from './text.ts'

/** `json`: what JSON can hold. `code`: also what only a program can give. */
export type Kind = 'json' | 'code'

const numbers: readonly number[] = [0, -0, 1, -1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53) - 2, 1e21, 1e308, 5e-324]
const codeNumbers: readonly number[] = [Number.NaN, Infinity, -Infinity]

/** Sets an own property whatever its name is. */
export function setOwn(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
}

/** Any value, nested at most so deep. */
export function anyValue(draw: Draw, kind: Kind, depth = 3): unknown {
  const choice = draw.below(depth > 0 ? 10 : 7)
  if (choice < 3) return anyText(draw)
  if (choice === 3) return draw.pick(numbers) + (draw.chance(0.5) ? draw.below(100) : 0)
  if (choice === 4) return draw.chance(0.5)
  if (choice === 5) return null
  if (choice === 6) return kind === 'json' ? draw.pick(fragments) : ofCode(draw)
  if (choice === 7) return Array.from({ length: draw.below(4) }, () => anyValue(draw, kind, depth - 1))
  const members = {}
  for (let left = draw.below(4); left > 0; left--) setOwn(members, anyName(draw), anyValue(draw, kind, depth - 1))
  return members
}

/** `value` with one to three changes; the rest is shared with it, and never changed. */
export function mutatedValue(draw: Draw, value: unknown, kind: Kind): unknown {
  let result = value
  for (let left = 1 + draw.below(3); left > 0; left--) result = changedWithin(draw, result, kind)
  return result
}

function anyName(draw: Draw): string {
  return draw.chance(0.3) ? draw.pick(fragments) : anyText(draw, 12)
}

function ofCode(draw: Draw): unknown {
  switch (draw.below(9)) {
    case 0:
      return undefined
    case 1:
      return draw.pick(codeNumbers)
    case 2:
      return BigInt(draw.below(1_000))
    case 3:
      return Symbol('odd')
    case 4:
      return () => draw.pick(fragments)
    case 5:
      return new Date(draw.chance(0.5) ? Number.NaN : draw.below(2 ** 31))
    case 6:
      return draw.bytes(draw.below(8))
    case 7:
      return new Map([[anyText(draw), 1]])
    default:
      return Object.create(null)
  }
}

/** Here, or at one place below. */
function changedWithin(draw: Draw, value: unknown, kind: Kind): unknown {
  if (Array.isArray(value) && value.length > 0 && draw.chance(0.75)) {
    const copy: unknown[] = [...(value as readonly unknown[])]
    const index = draw.below(copy.length)
    copy[index] = changedWithin(draw, copy[index], kind)
    return copy
  }
  if (isPlain(value) && draw.chance(0.8)) {
    const names = Object.keys(value)
    if (names.length > 0) {
      const copy = { ...value }
      const name = draw.pick(names)
      setOwn(copy, name, changedWithin(draw, value[name], kind))
      return copy
    }
  }
  return changed(draw, value, kind)
}

function changed(draw: Draw, value: unknown, kind: Kind): unknown {
  if (draw.chance(0.15)) return anyValue(draw, kind)
  if (draw.chance(0.05)) return nested(draw, value)
  if (typeof value === 'string') return mutatedText(draw, value)
  if (typeof value === 'number') return draw.chance(0.3) ? String(value) : value + draw.pick([1, -1, 0.5, -value, 2 ** 53])
  if (typeof value === 'boolean') return draw.chance(0.5) ? !value : String(value)
  if (Array.isArray(value)) return changedList(draw, value, kind)
  return isPlain(value) ? changedMembers(draw, value, kind) : anyValue(draw, kind)
}

function changedList(draw: Draw, list: readonly unknown[], kind: Kind): unknown {
  switch (draw.below(4)) {
    case 0:
      return list.slice(draw.below(list.length + 1))
    case 1:
      return [...list, ...list]
    case 2:
      return [...list, anyValue(draw, kind)]
    default:
      return Object.fromEntries(list.entries())
  }
}

function changedMembers(draw: Draw, members: Readonly<Record<string, unknown>>, kind: Kind): unknown {
  const names = Object.keys(members)
  const copy = { ...members }
  switch (draw.below(4)) {
    case 0:
      if (names.length > 0) Reflect.deleteProperty(copy, draw.pick(names))
      return copy
    case 1:
      setOwn(copy, anyName(draw), anyValue(draw, kind))
      return copy
    case 2:
      if (names.length > 0) setOwn(copy, mutatedText(draw, draw.pick(names)), copy[draw.pick(names)])
      return copy
    default:
      return Object.entries(members)
  }
}

/** In lists or objects, rarely thousands of them: writing these as JSON takes time with their square. */
function nested(draw: Draw, value: unknown): unknown {
  const levels = draw.chance(0.01) ? 5_000 : 1 + draw.below(draw.chance(0.1) ? 1_000 : 10)
  const inList = draw.chance(0.5)
  let result = value
  for (let level = 0; level < levels; level++) result = inList ? [result] : { a: result }
  return result
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
