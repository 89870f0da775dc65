import { BrokerError } from '../errors.ts'
import { addressBits } from './address-bits.ts'
import type { Filter, HeaderFilter } from './grammar.ts'

const maxKeys = 5
const maxCombinations = 150
const maxBytes = 256 * 1024
const maxDepth = 32
/** Of objects and lists: what `maxDepth` allows with alternatives at each depth has fewer. */
const maxLevels = 128

const scalarReason = 'Match value must be String, number, true, false, or null'
const lowerBounds: readonly unknown[] = ['>', '>=']
const upperBounds: readonly unknown[] = ['<', '<=']

/**
 * Throws `ERR_CONFIGURATION` unless `filter` is a policy that SNS accepts on message bodies. The reasons are SNS's own texts where it has one.
 * `what` begins the message. The limits hold on every backend, so that a definition that works on one works on all.
 */
export function validateFilter(filter: Filter, what: string = 'filter'): void {
  if (!isObject(filter)) fail(what, '', 'the filter must be an object')
  checkSize(what, filter)
  if (Object.keys(filter).length > maxKeys) fail(what, '', 'Filter policy can not have more than 5 keys')
  if (checkPolicy(what, '', filter, 1, 1) > maxCombinations) fail(what, '', 'Filter policy is too complex')
}

/** As {@link validateFilter}, for headers: one level, and values are text, so that conditions on numbers and other values could never match. */
export function validateHeaderFilter(filter: HeaderFilter, what: string = 'headerFilter'): void {
  if (!isObject(filter)) fail(what, '', 'the filter must be an object')
  for (const [key, condition] of Object.entries<unknown>(filter)) {
    if (isObject(condition)) fail(what, key, 'Filter policy scope MessageAttributes does not support nested filter policy')
    if (!Array.isArray(condition)) fail(what, '', `"${key}" must be an object or an array`)
    for (const alternative of condition) checkIsText(what, key, alternative)
  }
  validateFilter(filter, what)
}

/** Is `condition`, found under the key `$or`, a list of policies and not an ordinary condition? */
function isAlternatives(key: string, condition: readonly unknown[]): boolean {
  return key === '$or' && condition.length >= 2 && condition.every(isObject)
}

function checkSize(what: string, filter: object): void {
  let text: string
  try {
    // Writing it as JSON would take time with the square of its levels.
    if (isDeep(filter, maxLevels)) throw new RangeError()
    text = JSON.stringify(filter)
  } catch {
    fail(what, '', 'failed to parse JSON: the filter has a cycle, a BigInt or no end of levels')
  }
  if (Buffer.byteLength(text) > maxBytes) fail(what, '', 'Filter policy is too long: at most 256 KB')
}

/** The number of combinations: `so far` × values × depth for each condition; alternatives of `$or` are added up. */
function checkPolicy(what: string, path: string, policy: object, depth: number, soFar: number): number {
  if (depth > maxDepth) fail(what, path, `Filter policy is nested deeper than ${maxDepth} levels`)
  const entries = Object.entries(policy as Record<string, unknown>)
  if (entries.length === 0) fail(what, path, 'Empty objects are not allowed')
  return entries.reduce((combinations, [key, condition]) => {
    const at = path === '' ? key : `${path}.${key}`
    if (isObject(condition)) return checkPolicy(what, at, condition, depth + 1, combinations)
    if (!Array.isArray(condition)) fail(what, path, `"${key}" must be an object or an array`)
    if (isAlternatives(key, condition)) {
      return condition.reduce((sum: number, policyOfOr: object, index) => sum + checkPolicy(what, `${at}.${index}`, policyOfOr, depth, combinations), 0)
    }
    if (condition.length === 0) fail(what, at, 'Empty arrays are not allowed')
    for (const alternative of condition) checkAlternative(what, at, alternative)
    return combinations * condition.length * depth
  }, soFar)
}

function checkAlternative(what: string, at: string, alternative: unknown): void {
  if (!isObject(alternative)) {
    if (!isScalar(alternative)) fail(what, at, scalarReason)
    return
  }
  const [operator, ...others] = Object.keys(alternative)
  if (operator === undefined || others.length > 0) fail(what, at, 'Only one key allowed in match expression')
  const operand = (alternative as Record<string, unknown>)[operator]
  switch (operator) {
    case 'prefix':
    case 'suffix':
    case 'equals-ignore-case':
      if (typeof operand !== 'string') fail(what, at, `${operator} match pattern must be a string`)
      return
    case 'exists':
      if (typeof operand !== 'boolean') fail(what, at, 'exists match pattern must be either true or false.')
      return
    case 'anything-but':
      return checkAnythingBut(what, at, operand)
    case 'numeric':
      return checkNumeric(what, at, operand)
    case 'cidr':
      return checkCidr(what, at, operand)
    default:
      fail(what, at, `Unrecognized match type ${operator}`)
  }
}

function checkAnythingBut(what: string, at: string, operand: unknown): void {
  if (isObject(operand)) {
    for (const operator of Object.keys(operand)) if (operator !== 'prefix') fail(what, at, `Unsupported anything-but pattern: ${operator}`)
    return checkAlternative(what, at, operand)
  }
  const values: readonly unknown[] = Array.isArray(operand) ? operand : [operand]
  if (values.length === 0) fail(what, at, 'Empty arrays are not allowed')
  const uniform = values.every((value) => typeof value === 'string') || values.every((value) => Number.isFinite(value))
  if (!uniform) fail(what, at, 'Inside anything but list, either all values are number or string, mixed type is not supported')
}

function checkNumeric(what: string, at: string, operand: unknown): void {
  if (!Array.isArray(operand) || operand.length === 0) fail(what, at, 'Invalid member in numeric match: ]')
  const [operator, bound, upperOperator, upperBound, ...more] = operand as unknown[]
  if (typeof operator !== 'string') fail(what, at, `Invalid member in numeric match: ${shown(operator)}`)
  const isLower = lowerBounds.includes(operator)
  if (!isLower && operator !== '=' && !upperBounds.includes(operator)) fail(what, at, `Unrecognized numeric range operator: ${operator}`)
  const low = checkNumber(what, at, operator, bound)
  if (operand.length <= 2) return
  if (!isLower) fail(what, at, 'Too many elements in numeric expression')
  if (!upperBounds.includes(upperOperator)) fail(what, at, `Bad numeric range operator: ${shown(upperOperator)}`)
  const high = checkNumber(what, at, String(upperOperator), upperBound)
  if (low >= high) fail(what, at, 'Bottom must be less than top')
  if (more.length > 0) fail(what, at, 'Too many terms in numeric range expression')
}

function checkNumber(what: string, at: string, operator: string, value: unknown): number {
  const name = operator === '=' ? 'equals' : operator
  if (typeof value !== 'number' || !Number.isFinite(value)) fail(what, at, `Value of ${name} must be numeric`)
  if (Math.abs(value) > 1e9 || Number(value.toFixed(5)) !== value)
    fail(what, at, `Value of ${name} must be between -1000000000 and 1000000000, with at most 5 decimals`)
  return value
}

function checkCidr(what: string, at: string, operand: unknown): void {
  // The operator named in this text is SNS's own slip.
  if (typeof operand !== 'string') fail(what, at, 'prefix match pattern must be a string')
  const [block = '', mask = '', ...more] = operand.split('/')
  if (mask === '' || more.length > 0) fail(what, at, "Malformed CIDR, one '/' required")
  if (!/^\d{1,9}$/.test(mask)) fail(what, at, 'Malformed CIDR, mask bits must be an integer')
  const bits = addressBits(block)
  if (bits === undefined) fail(what, at, `Nonstandard IP address: ${block}`)
  if (Number(mask) >= bits) fail(what, at, `IPv${bits === 32 ? 4 : 6} mask bits must be < ${bits}`)
}

function checkIsText(what: string, at: string, alternative: unknown): void {
  const remedy = 'header values are text: compare with a string'
  if (isObject(alternative)) {
    const [operator, operand] = Object.entries(alternative)[0] ?? []
    if (operator === 'numeric') fail(what, at, `numeric never matches; ${remedy}`)
    const values: readonly unknown[] = operator === 'anything-but' ? (Array.isArray(operand) ? operand : [operand]) : []
    if (values.some((value) => typeof value === 'number')) fail(what, at, `a number never matches; ${remedy}`)
  } else if (isScalar(alternative) && typeof alternative !== 'string') {
    fail(what, at, `${String(alternative)} never matches; ${remedy}`)
  }
}

function isDeep(value: unknown, levels: number): boolean {
  return typeof value === 'object' && value !== null && (levels === 0 || Object.values(value).some((member) => isDeep(member, levels - 1)))
}

/** Whatever it is: an object need not have a text of its own. */
function shown(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? typeof value).slice(0, 100)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || value === null || (typeof value === 'number' && Number.isFinite(value))
}

function fail(what: string, at: string, reason: string): never {
  throw new BrokerError('ERR_CONFIGURATION', `${what}${at === '' ? '' : `, key '${at}'`}: ${reason}`)
}
