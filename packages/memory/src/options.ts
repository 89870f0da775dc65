import { kindOf, suggestion, type Clock } from '@busbar/core/driver'
import { memoryError } from './errors.ts'
import { checkPlan } from './faults/check-plan.ts'
import type { FaultPlan } from './faults/plan.ts'
import { profileNames, type ProfileName, type ProfileSettings } from './profiles/profile.ts'

export interface MemoryOptions {
  /** Which broker it behaves like. Default `full`. */
  readonly profile?: ProfileName
  /** Default: the clock of the first broker that connects. */
  readonly clock?: Clock
  /** Decides everything random: fault schedules, disorder. A 32-bit whole number; default 1. */
  readonly seed?: number
  readonly faults?: FaultPlan
  /** Called with one line per event at the broker; equal seeds give equal lines. */
  readonly trace?: (line: string) => void
  /** `create` (default): queues, topics, streams and subscriptions exist as soon as they are used. `refuse`: only after `provision`. */
  readonly missing?: 'create' | 'refuse'
  /** `full`, `sqs-standard`, `sqs-fifo` and `sns`, where leases are per message: length of a lease in milliseconds, 1 to 43,200,000. Default 30,000. */
  readonly leaseMs?: number
  /** `sqs-standard` and `sns` only: the next message is chosen from so many at the front. 1 (default) keeps the order sent; up to 1,000. */
  readonly disorder?: number
  /** `kinesis` only: enforce 1 MiB and 1,000 records per shard and second. Default false. */
  readonly throttle?: boolean
}

export interface ResolvedMemoryOptions extends ProfileSettings {
  readonly profile: ProfileName
  readonly clock: Clock | undefined
  readonly seed: number
  readonly faults: FaultPlan | undefined
  readonly trace: ((line: string) => void) | undefined
  readonly missing: 'create' | 'refuse'
}

const names = ['profile', 'clock', 'seed', 'faults', 'trace', 'missing', 'leaseMs', 'disorder', 'throttle'] as const
/** Those that a URL or a configuration file can carry. */
const plainNames = ['profile', 'seed', 'missing', 'leaseMs', 'disorder', 'throttle'] as const

/** Options that the other profiles have no use for. */
const meaningfulIn: Readonly<Record<'leaseMs' | 'disorder' | 'throttle', readonly ProfileName[]>> = {
  leaseMs: ['full', 'sqs-standard', 'sqs-fifo', 'sns'],
  disorder: ['sqs-standard', 'sns'],
  throttle: ['kinesis'],
}

/** Throws `ERR_CONFIGURATION` for unknown options and illegal values, `TypeError` or `RangeError` for what only code can give: clock, trace, faults. */
export function resolveOptions(options: MemoryOptions): ResolvedMemoryOptions {
  if (typeof options !== 'object' || options === null) throw new TypeError(`memory: options must be an object, not ${String(options)}`)
  checkNames(options, names)
  checkClock(options.clock)
  if (options.trace !== undefined && typeof options.trace !== 'function') throw new TypeError(`memory: trace must be a function, not ${typeof options.trace}`)
  if (options.faults !== undefined) checkPlan(options.faults)
  const resolved: ResolvedMemoryOptions = {
    profile: choice('profile', options.profile ?? 'full', profileNames),
    clock: options.clock,
    seed: whole('seed', options.seed ?? 1, -(2 ** 31), 2 ** 32 - 1),
    faults: options.faults,
    trace: options.trace,
    missing: choice('missing', options.missing ?? 'create', ['create', 'refuse']),
    leaseMs: whole('leaseMs', options.leaseMs ?? 30_000, 1, 43_200_000),
    disorder: whole('disorder', options.disorder ?? 1, 1, 1_000),
    throttle: truth('throttle', options.throttle ?? false),
  }
  checkMeaning('leaseMs', options.leaseMs !== undefined, resolved.profile)
  checkMeaning('disorder', resolved.disorder !== 1, resolved.profile)
  checkMeaning('throttle', resolved.throttle, resolved.profile)
  return resolved
}

/** `memory:?profile=sqs-fifo&seed=7`. Throws `ERR_CONFIGURATION`. */
export function optionsFromUrl(url: URL): MemoryOptions {
  if (url.host !== '' || (url.pathname !== '' && url.pathname !== '/'))
    throw memoryError('ERR_CONFIGURATION', 'A memory: URL has no host and no path: options follow the question mark')
  const options: Record<string, unknown> = {}
  for (const [name, value] of url.searchParams) {
    if (Object.hasOwn(options, name)) throw memoryError('ERR_CONFIGURATION', `memory: option '${name.slice(0, 64)}' is given twice`)
    options[name] = /^-?\d+$/.test(value) ? Number(value) : value === 'true' || value === 'false' ? value === 'true' : value
  }
  return optionsFromConfiguration(options)
}

/** From a configuration object or file, which holds plain values only. Throws `ERR_CONFIGURATION`. */
export function optionsFromConfiguration(options: Readonly<Record<string, unknown>>): MemoryOptions {
  checkNames(options, plainNames)
  return options
}

function checkMeaning(name: keyof typeof meaningfulIn, given: boolean, profile: ProfileName): void {
  const only = meaningfulIn[name]
  if (given && !only.includes(profile))
    throw memoryError('ERR_CONFIGURATION', `memory: ${name} has no meaning in profile '${profile}', only in ${only.join(', ')}`)
}

const clockFunctions = ['now', 'monotonic', 'timer', 'external'] as const

function checkClock(clock: Clock | undefined): void {
  if (clock === undefined) return
  for (const name of clockFunctions)
    if (typeof (clock as Clock | null)?.[name] !== 'function') throw new TypeError(`memory: clock must be a Clock; it has no function ${name}`)
}

function checkNames(options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw memoryError('ERR_CONFIGURATION', `memory: unknown option '${name.slice(0, 64)}'${suggestion(name, known)}`)
  }
}

function choice<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  const chosen = allowed.find((one) => one === value)
  if (chosen === undefined) {
    const given = typeof value === 'string' ? value : kindOf(value)
    throw memoryError('ERR_CONFIGURATION', `memory: ${name} cannot be '${given.slice(0, 64)}'${suggestion(given, allowed)}`)
  }
  return chosen
}

function whole(name: string, value: unknown, least: number, most: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most)
    throw memoryError('ERR_CONFIGURATION', `memory: ${name} must be a whole number from ${least} to ${most}`)
  return value as number
}

function truth(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw memoryError('ERR_CONFIGURATION', `memory: ${name} must be true or false`)
  return value
}
