import { assertKnownKeys, suggestion } from '@busbar/core/driver'
import { faultKinds, operations, operationsOf, type Fault, type FaultKind, type FaultPlan, type FaultRule, type RandomFaults } from './plan.ts'

/** Options of each kind, `ms` and the like, and what they must be. */
const optionsOf: Readonly<Record<FaultKind, Readonly<Record<string, 'ms' | 'ms, required' | 'boolean'>>>> = {
  duplicate: {},
  reorder: {},
  delay: { ms: 'ms, required' },
  'drop-connection': { downMs: 'ms' },
  'lose-ack': { applied: 'boolean' },
  'lose-response': { stored: 'boolean' },
  throttle: {},
  'fail-part': {},
  'crash-consumer': {},
  'steal-lease': {},
}

/** Throws `TypeError` for what is no plan, and `RangeError` for numbers out of range and for faults that do not belong to their operation. */
export function checkPlan(plan: FaultPlan): void {
  checkObject('faults', plan)
  assertKnownKeys('faults', plan, ['rules', 'random'])
  const { rules = [], random } = plan
  if (!Array.isArray(rules)) throw new TypeError(`faults.rules must be a list of rules, not ${typeof rules}`)
  for (const [index, rule] of rules.entries()) checkRule(rule as FaultRule, `faults.rules[${index}]`)
  if (random !== undefined) checkRandom(random)
}

/** Throws as {@link checkPlan}. `what` names the rule. */
export function checkRule(rule: FaultRule, what: string): void {
  checkObject(what, rule)
  assertKnownKeys(what, rule, ['at', 'fault', 'times'])
  checkFault(rule.fault, `${what}.fault`)
  checkPoint(rule.at, `${what}.at`)
  checkWhole(`${what}.times`, rule.times, 1)
  const { kind } = rule.fault
  if (!operationsOf[kind].includes(rule.at.operation))
    throw new RangeError(`${what}: ${kind} cannot take effect at ${rule.at.operation}, only at ${operationsOf[kind].join(', ')}`)
}

function checkFault(fault: Fault, what: string): void {
  checkObject(what, fault)
  checkChoice(`${what}.kind`, fault.kind, faultKinds)
  const known = optionsOf[fault.kind]
  assertKnownKeys(what, fault, ['kind', ...Object.keys(known)])
  for (const [name, type] of Object.entries(known)) {
    const value = (fault as unknown as Readonly<Record<string, unknown>>)[name]
    if (type === 'boolean') {
      if (value !== undefined && typeof value !== 'boolean') throw new TypeError(`${what}.${name} must be true or false, not ${show(value)}`)
    } else if (value !== undefined || type === 'ms, required') checkMs(`${what}.${name}`, value)
  }
}

function checkPoint(at: FaultRule['at'], what: string): void {
  checkObject(what, at)
  assertKnownKeys(what, at, ['operation', 'place', 'nth', 'every', 'probability'])
  checkChoice(`${what}.operation`, at.operation, operations)
  const { place } = at
  if (place !== undefined && (typeof place !== 'string' || place === '')) throw new TypeError(`${what}.place must be the name of a place, not ${show(place)}`)
  if (place !== undefined && at.operation === 'connect') throw new RangeError(`${what}.place has no meaning at connect, which is the same for all places`)
  checkWhole(`${what}.nth`, at.nth, 1)
  checkWhole(`${what}.every`, at.every, 1)
  if (at.probability !== undefined) checkProbability(`${what}.probability`, at.probability)
}

function checkRandom(random: RandomFaults): void {
  const what = 'faults.random'
  checkObject(what, random)
  assertKnownKeys(what, random, ['probability', 'kinds', 'budget', 'maxMs'])
  checkProbability(`${what}.probability`, random.probability)
  const { kinds } = random
  if (kinds !== undefined && (!Array.isArray(kinds) || kinds.length === 0))
    throw new TypeError(`${what}.kinds must be a list of at least one kind; known: ${faultKinds.join(', ')}`)
  for (const [index, kind] of (kinds ?? []).entries()) checkChoice(`${what}.kinds[${index}]`, kind, faultKinds)
  checkWhole(`${what}.budget`, random.budget, 0)
  if (random.maxMs !== undefined) checkMs(`${what}.maxMs`, random.maxMs)
}

function checkObject(what: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError(`${what} must be an object, not ${show(value)}`)
}

function checkChoice(what: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.includes(value as string)) throw new TypeError(`${what} cannot be ${show(value)}${suggestion(String(value), allowed)}`)
}

function checkWhole(what: string, value: unknown, least: number): void {
  if (value !== undefined && (!Number.isSafeInteger(value) || (value as number) < least))
    throw new RangeError(`${what} must be a whole number ≥ ${least}, not ${show(value)}`)
}

function checkMs(what: string, value: unknown): void {
  if (!Number.isFinite(value) || (value as number) < 0) throw new RangeError(`${what} must be a number of milliseconds ≥ 0, not ${show(value)}`)
}

function checkProbability(what: string, value: unknown): void {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) throw new RangeError(`${what} must be a number from 0 to 1, not ${show(value)}`)
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 64)}'`
  return typeof value === 'object' && value !== null ? (Array.isArray(value) ? 'a list' : 'an object') : String(value).slice(0, 64)
}
