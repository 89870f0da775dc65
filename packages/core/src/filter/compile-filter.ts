import type { Run } from '../consumer/run.ts'
import type { AnySource } from '../definitions/types.ts'
import type { Endpoint } from '../driver/endpoint.ts'
import type { Headers } from '../driver/sender.ts'
import { inBlock, parseAddress } from './cidr.ts'
import type { Filter, HeaderFilter, NumericRange, Scalar } from './grammar.ts'

type Members = Readonly<Record<string, unknown>>
type Policy = (members: Members) => boolean
type LeafTest = (leaf: Scalar) => boolean

const noMembers: Members = Object.freeze({})

/** A test of decoded JSON bodies, for a filter that `validateFilter` has let pass. What is not a JSON object never matches. */
export function testOfBodies(filter: Filter): (body: unknown) => boolean {
  const policy = compilePolicy(filter)
  return (body) => isMembers(body) && policy(body)
}

/** A test of headers, whose values are text, for a filter that `validateHeaderFilter` has let pass. */
export function testOfHeaders(filter: HeaderFilter): (headers: Headers) => boolean {
  const members = Object.entries(filter).map(([name, alternatives]) => {
    const condition = compileCondition(alternatives)
    return (headers: Headers): boolean => condition(Object.hasOwn(headers, name) ? headers[name] : undefined)
  })
  return (headers) => members.every((member) => member(headers))
}

function compilePolicy(filter: Filter): Policy {
  const members = Object.entries(filter).map(([key, condition]) => compileMember(key, condition))
  return (body) => members.every((member) => member(body))
}

function compileMember(key: string, condition: Filter[string]): Policy {
  if (!Array.isArray(condition)) {
    const nested = compilePolicy(condition as Filter)
    // Without an object there is nothing below: `exists: false` still has its say.
    return (members) => anyObject(lookUp(members, key), nested) ?? nested(noMembers)
  }
  // A list of policies, as it is validated, and not an ordinary condition.
  if (key === '$or' && condition.length >= 2 && condition.every(isMembers)) {
    const policies = (condition as readonly Filter[]).map(compilePolicy)
    return (members) => policies.some((policy) => policy(members))
  }
  const test = compileCondition(condition)
  return (members) => test(lookUp(members, key))
}

/** A key with dots is a path as well as a name, as on SNS: it stands for all that either leads to. */
function lookUp(members: Members, key: string): unknown {
  const own = Object.hasOwn(members, key) ? members[key] : undefined
  if (!key.includes('.')) return own
  const found = own === undefined ? [] : [own]
  for (let dot = key.indexOf('.'); dot !== -1; dot = key.indexOf('.', dot + 1)) {
    const head = key.slice(0, dot)
    if (!Object.hasOwn(members, head)) continue
    anyObject(members[head], (below) => {
      const value = lookUp(below, key.slice(dot + 1))
      if (value !== undefined) found.push(value)
      return false
    })
  }
  return found
}

/** Does any object at `value` (itself, or elements of arrays) pass? `undefined` if there is no object. */
function anyObject(value: unknown, test: Policy): boolean | undefined {
  if (!Array.isArray(value)) return isMembers(value) ? test(value) : undefined
  let answer: boolean | undefined
  for (const element of elementsOf(value)) {
    if (!isMembers(element)) continue
    if (test(element)) return true
    answer = false
  }
  return answer
}

/** Elements of lists in lists. Without recursion: a body may be nested more deeply than the stack is. */
function elementsOf(list: readonly unknown[]): readonly unknown[] {
  if (!list.some(Array.isArray)) return list
  const elements: unknown[] = []
  const open: unknown[] = list.toReversed()
  while (open.length > 0) {
    const element = open.pop()
    if (!Array.isArray(element)) elements.push(element)
    else for (let index = element.length - 1; index >= 0; index--) open.push(element[index])
  }
  return elements
}

/** Alternatives are ORed, over all leaves at the value. Objects are no leaves; an empty array has none. */
function compileCondition(alternatives: readonly unknown[]): (value: unknown) => boolean {
  const exact = new Set<unknown>(alternatives.filter((alternative) => !isMembers(alternative)))
  const tests = alternatives.filter(isMembers).flatMap((operator) => compileOperator(operator) ?? [])
  const matchesMissing = alternatives.some((alternative) => isMembers(alternative) && alternative['exists'] === false)
  const leafTest: LeafTest = (leaf) => exact.has(leaf) || tests.some((test) => test(leaf))
  return (value) => anyLeaf(value, leafTest) || (matchesMissing && !anyLeaf(value, () => true))
}

function anyLeaf(value: unknown, test: LeafTest): boolean {
  return Array.isArray(value) ? elementsOf(value).some((element) => isLeaf(element) && test(element)) : isLeaf(value) && test(value)
}

function isLeaf(value: unknown): value is Scalar {
  return value !== undefined && (typeof value !== 'object' || value === null)
}

function compileOperator(operator: Members): LeafTest | undefined {
  const [[name, operand] = []] = Object.entries(operator)
  switch (name) {
    case 'prefix':
      return (leaf) => typeof leaf === 'string' && leaf.startsWith(operand as string)
    case 'suffix':
      return (leaf) => typeof leaf === 'string' && leaf.endsWith(operand as string)
    case 'equals-ignore-case': {
      const lower = (operand as string).toLowerCase()
      return (leaf) => typeof leaf === 'string' && leaf.toLowerCase() === lower
    }
    case 'exists':
      return operand === true ? () => true : undefined
    case 'anything-but':
      return compileAnythingBut(operand)
    case 'numeric':
      return compileNumeric(operand as NumericRange)
    case 'cidr':
      return compileCidr(operand as string)
    default:
      return undefined
  }
}

function compileAnythingBut(operand: unknown): LeafTest {
  if (isMembers(operand)) {
    const prefix = operand['prefix'] as string
    return (leaf) => leaf !== null && !(typeof leaf === 'string' && leaf.startsWith(prefix))
  }
  const excluded = new Set<unknown>(Array.isArray(operand) ? operand : [operand])
  return (leaf) => leaf !== null && !excluded.has(leaf)
}

function compileNumeric(range: NumericRange): LeafTest {
  const [operator, bound, upperOperator, upperBound] = range
  const first = compileBound(operator, bound)
  const second = upperOperator === undefined || upperBound === undefined ? () => true : compileBound(upperOperator, upperBound)
  return (leaf) => typeof leaf === 'number' && first(leaf) && second(leaf)
}

function compileBound(operator: NumericRange[0], bound: number): (value: number) => boolean {
  switch (operator) {
    case '=':
      return (value) => value === bound
    case '<':
      return (value) => value < bound
    case '<=':
      return (value) => value <= bound
    case '>':
      return (value) => value > bound
    case '>=':
      return (value) => value >= bound
  }
}

function compileCidr(operand: string): LeafTest {
  const [text = '', mask] = operand.split('/')
  const block = parseAddress(text)
  return (leaf) => typeof leaf === 'string' && block !== undefined && inBlock(leaf, block, Number(mask))
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Evaluates the filters that the endpoint does not have. */
export function matcherOf(source: AnySource, { subscription: kept }: Endpoint): ((body: unknown, run: Run) => boolean) | undefined {
  if (source.kind !== 'subscription') return undefined
  const { filter, headerFilter } = source.options
  const byBody = filter && !kept?.filter ? testOfBodies(filter) : undefined
  const byHeaders = headerFilter && !kept?.headerFilter ? testOfHeaders(headerFilter) : undefined
  return (body, run) => (!byBody || byBody(body)) && (!byHeaders || byHeaders(run.incoming.headers))
}
