import { compileFilter, isBrokerError } from '@busbar/core/driver'
import { isInput } from '../input.ts'
import { WireError } from '../wire-error.ts'
import type { WireAttribute } from '../sqs/message.ts'
import { invalidParameter } from './errors.ts'

type Filter = Parameters<typeof compileFilter>[0]

/** Does a subscription want what is published? */
export type FilterTest = (body: string, attributes: ReadonlyMap<string, WireAttribute>) => boolean

/** Throws `InvalidParameter` for what is no policy of its scope. `prefix`: where the policy stands in the request. */
export function compilePolicy(policyText: string, scope: string, prefix: string): FilterTest {
  try {
    const policy = parsePolicy(policyText)
    if (scope === 'MessageAttributes') refuseNested(policy)
    const test = compileFilter(policy)
    return scope === 'MessageBody' ? (body) => test(jsonOf(body)) : (_, attributes) => test(filterable(attributes))
  } catch (error) {
    if (isBrokerError(error)) throw invalidParameter(`${prefix}FilterPolicy: ${error.message.slice(error.message.indexOf(': ') + 2)}`)
    if (error instanceof PolicyError) throw invalidParameter(`${prefix}FilterPolicy: ${error.message}`)
    throw error
  }
}

class PolicyError extends Error {}

function parsePolicy(text: string): Filter {
  let policy: unknown
  try {
    policy = JSON.parse(text)
  } catch {
    throw new PolicyError('failed to parse JSON.')
  }
  return policy as Filter
}

/** Attributes have one level; alternatives of `$or` too. */
function refuseNested(policy: unknown): void {
  if (!isInput(policy)) return
  for (const [key, condition] of Object.entries(policy)) {
    if (isInput(condition)) throw new PolicyError('Filter policy scope MessageAttributes does not support nested filter policy')
    if (key === '$or' && Array.isArray(condition) && condition.length >= 2) condition.forEach(refuseNested)
  }
}

/** Texts are texts, numbers numbers, the elements of a list what they are; bytes are not looked at. */
function filterable(attributes: ReadonlyMap<string, WireAttribute>): object {
  const values: Record<string, unknown> = {}
  for (const [name, { dataType, value }] of attributes) {
    if (typeof value !== 'string') continue
    if (dataType === 'String.Array') values[name] = jsonOf(value)
    else values[name] = dataType.split('.')[0] === 'Number' ? Number(value) : value
  }
  return values
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

export function checkScope(scope: string): void {
  if (scope !== 'MessageAttributes' && scope !== 'MessageBody')
    throw new WireError(
      'InvalidParameter',
      `Invalid parameter: FilterPolicyScope: Invalid value [${scope}]. Please use either MessageBody or MessageAttributes`,
    )
}
