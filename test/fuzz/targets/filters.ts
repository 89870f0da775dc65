import { compileFilter, compileHeaderFilter } from '@busbar/core/driver'
import { expected, shown } from '../checks.ts'
import type { Draw } from '../draw.ts'
import { membersLike, valueLike } from '../inputs.ts'
import { anyText } from '../mutate/text.ts'
import { anyValue, setOwn } from '../mutate/values.ts'
import { target, withCode } from '../target.ts'

const policies = [
  { type: ['placed', { prefix: 'can' }, { suffix: 'ed' }, { 'anything-but': ['a', 'b'] }], total: [{ numeric: ['>=', 10, '<', 100.5] }] },
  { customer: { address: { ip: [{ cidr: '10.0.0.0/8' }, { cidr: '2001:db8::/32' }] }, 'a.b': [null, true, 1] } },
  { $or: [{ a: [{ exists: false }] }, { b: { c: [{ 'equals-ignore-case': 'X' }] } }], 'customer.address.ip': [{ exists: true }] },
  { region: [{ 'anything-but': { prefix: 'eu' } }], code: [{ 'anything-but': 7 }] },
]
const bodies = [
  { type: 'placed', total: 50, customer: { address: { ip: '10.1.2.3' }, 'a.b': [null] }, 'customer.address.ip': 'x' },
  { type: ['a', ['placed']], region: 'eu-1', a: 1, b: [{ c: 'x' }, { c: ['X'] }], code: 7 },
  { customer: [{ address: { ip: ['::ffff:10.0.0.1', '2001:db8::1'] } }] },
]
const headerPolicies = [
  { tenant: ['acme', { prefix: 'a' }], region: [{ 'anything-but': ['eu'] }] },
  { ip: [{ cidr: '10.0.0.0/8' }], none: [{ exists: false }] },
]
const conditions = ['prefix', 'suffix', 'exists', 'anything-but', 'numeric', 'cidr', 'equals-ignore-case']
const operands: readonly unknown[] = ['a', '', true, false, 1, ['=', 1], ['>', 1, '<', 2], '10.0.0.0/8', '::/0', ['a', 'b'], [1, 2], { prefix: 'a' }, null]

const changedPolicy = valueLike(policies, 'code')
const changedHeaderPolicy = valueLike(headerPolicies, 'code')
const changedBody = valueLike(bodies, 'json')
const changedHeaders = membersLike([{ tenant: 'acme', region: 'eu', ip: '10.0.0.1' }], 'json')

/** What a filter made of a message. What a filter that was taken throws is no answer. */
type Answer = boolean | { readonly threw: unknown }

/** The grammar of filters: every value for a filter, and every body for those that are taken. */
export const filterTargets = [
  target({
    name: 'filter',
    generate: (draw) => ({
      filter: draw.chance(0.4) ? policy(draw, 3) : changedPolicy(draw),
      body: draw.chance(0.1) ? anyValue(draw, 'code') : changedBody(draw),
    }),
    decode: ({ filter, body }): Answer => {
      const matches = compileFilter(filter as never)
      return attempt(() => matches(body))
    },
    problem: answered,
    mayThrow: withCode('ERR_CONFIGURATION'),
  }),
  target({
    name: 'header-filter',
    generate: (draw) => ({ filter: draw.chance(0.4) ? policy(draw, 0) : changedHeaderPolicy(draw), headers: texts(changedHeaders(draw)) }),
    decode: ({ filter, headers }): Answer => {
      const matches = compileHeaderFilter(filter as never)
      return attempt(() => matches(headers))
    },
    problem: answered,
    mayThrow: withCode('ERR_CONFIGURATION'),
  }),
]

function attempt(match: () => boolean): Answer {
  try {
    return match()
  } catch (error) {
    return { threw: error }
  }
}

function answered(answer: Answer): string | undefined {
  return typeof answer === 'object'
    ? `the filter was taken, and threw: ${String(answer.threw)}`
    : expected(typeof answer === 'boolean', 'the answer is', shown(answer))
}

/** By the grammar, nested at most so deep. */
function policy(draw: Draw, depth: number): object {
  const members = {}
  for (let left = 1 + draw.below(3); left > 0; left--) {
    const inner = depth > 0 ? draw.below(6) : 5
    if (inner === 0) setOwn(members, name(draw), policy(draw, depth - 1))
    else if (inner === 1) setOwn(members, '$or', [policy(draw, depth - 1), policy(draw, depth - 1)])
    else
      setOwn(
        members,
        name(draw),
        Array.from({ length: 1 + draw.below(3) }, () => alternative(draw)),
      )
  }
  return members
}

function name(draw: Draw): string {
  return draw.chance(0.7) ? draw.pick(['type', 'total', 'customer', 'customer.address', 'a.b', 'a', '__proto__', 'constructor']) : anyText(draw)
}

function alternative(draw: Draw): unknown {
  if (draw.chance(0.4)) return draw.pick(['placed', 1, true, null, 'eu'])
  const operand = draw.chance(0.8) ? draw.pick(operands) : anyValue(draw, 'code', 2)
  return { [draw.pick(conditions)]: operand }
}

function texts(members: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const headers = Object.create(null) as Record<string, string>
  for (const [key, value] of Object.entries(members))
    headers[key] = typeof value === 'string' ? value : JSON.stringify(value === undefined ? null : shown(value))
  return headers
}
