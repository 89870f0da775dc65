import type { ProfileName } from '@busbar/memory'
import type { Needed } from './crashes.ts'

export interface Setting {
  readonly profile: ProfileName
  readonly kind: 'queue' | 'topic' | 'stream'
  /** Order per key is promised. */
  readonly ordered: boolean
  /** Several processes may consume at once. */
  readonly competing: boolean
}

export const settings: readonly Setting[] = [
  { profile: 'full', kind: 'queue', ordered: true, competing: true },
  { profile: 'full', kind: 'topic', ordered: true, competing: true },
  { profile: 'full', kind: 'stream', ordered: true, competing: true },
  { profile: 'sqs-fifo', kind: 'queue', ordered: true, competing: true },
  { profile: 'sqs-standard', kind: 'queue', ordered: false, competing: true },
  { profile: 'sns', kind: 'topic', ordered: false, competing: true },
  { profile: 'rabbitmq', kind: 'queue', ordered: true, competing: true },
  { profile: 'rabbitmq', kind: 'topic', ordered: true, competing: true },
  { profile: 'kinesis', kind: 'stream', ordered: true, competing: true },
  { profile: 'kinesis', kind: 'queue', ordered: true, competing: true },
  { profile: 'mqtt', kind: 'topic', ordered: true, competing: false },
]

/** The first thing that a seed decides. */
export function settingOf(random: () => number): Setting {
  return settings[Math.floor(random() * settings.length)] as Setting
}

/** What is on in one schedule, and how it is set. `false`: off. */
export interface Plan {
  readonly sendOnce: { readonly whileUnavailable: 'wait' | 'fail' | 'go-on' } | false
  readonly compression: 'gzip' | 'brotli' | 'zstd' | false
  readonly encryption: { readonly maxMessagesPerKey: number } | false
  readonly claims: { readonly minBytes: number; readonly deleteAfterAck: true | undefined } | false
  readonly idempotency: { readonly whileUnavailable: 'wait' | 'fail' | 'go-on' } | false
  readonly retry: { readonly maxAttempts: number; readonly initialMs: number } | false
  readonly concurrencyLimit: number | false
  readonly rateLimit: { readonly perSecond: number; readonly burst: number } | false
  readonly circuitBreaker: { readonly failures: number; readonly openMs: number; readonly probes: number } | false
  readonly timeoutMs: number | false
  /** `onExhausted: 'block'`, with an operator who skips or retries. */
  readonly blocks: boolean
  /** An operator redrives dead letters now and then: as fast as it goes or at a rate, all or some. */
  readonly redrives: { readonly ratePerSecond: number | undefined; readonly some: boolean } | false
  /** What the dead-letter place is on. */
  readonly deadPlace: ProfileName
  /** How far the wall clock of a process may be off, in milliseconds. */
  readonly skewMs: number
  /** The stores answer in the same turn, unless they are slow. */
  readonly storesAnswerAtOnce: boolean
  /** Messages that are sent. */
  readonly messages: number
  /** Of a body that is large enough for compression and claim check. */
  readonly large: number
}

/** Those that take what every other profile can send. */
const deadPlaces = ['full', 'full', 'rabbitmq', 'sqs-standard'] as const
const whileUnavailable = ['wait', 'wait', 'fail', 'go-on'] as const
const algorithms = ['gzip', 'brotli', 'zstd'] as const

/** `needed`: on in any case. `everything`: all middleware are; what each of them sees of a message depends on the others. */
export function planOf(random: () => number, { kind }: Setting, needed: Needed | undefined, everything: boolean): Plan {
  const below = (limit: number): number => Math.floor(random() * limit)
  const chance = (probability: number): boolean => random() < probability
  const on = (probability: number): boolean => chance(probability) || everything
  const oneOf = <T>(all: readonly T[]): T => all[below(all.length)] as T
  const messages = 20 + below(30)
  return {
    // With everything on, one costs several times as much.
    messages: everything ? Math.ceil(messages / 3) : messages,
    sendOnce: (on(0.4) || needed === 'sendOnce') && { whileUnavailable: oneOf(whileUnavailable) },
    compression: on(0.3) && oneOf(algorithms),
    encryption: on(0.3) && { maxMessagesPerKey: 1 + below(20) },
    claims: (on(0.4) || needed === 'claims') && { minBytes: 512 + below(2_000), deleteAfterAck: kind === 'topic' && chance(0.5) ? true : undefined },
    idempotency: on(0.9) && { whileUnavailable: oneOf(whileUnavailable) },
    retry: on(0.9) && { maxAttempts: 2 + below(4), initialMs: 50 + below(500) },
    concurrencyLimit: on(0.3) && 1 + below(4),
    rateLimit: on(0.3) && { perSecond: 5 + below(30), burst: 1 + below(5) },
    circuitBreaker: on(0.3) && { failures: 3 + below(8), openMs: 100 + below(5_000), probes: 1 + below(3) },
    timeoutMs: on(0.3) && 500 + below(2_500),
    blocks: chance(0.25),
    redrives: (chance(0.4) || needed === 'redrives') && { ratePerSecond: chance(0.5) ? 0.2 + random() * 5 : undefined, some: chance(0.3) },
    deadPlace: oneOf(deadPlaces),
    skewMs: chance(0.5) ? random() * 3_600_000 : 0,
    storesAnswerAtOnce: chance(0.7),
    large: on(0.5) || needed === 'claims' ? random() * 0.6 : 0,
  }
}

/** No message has a second effect. */
export function protects({ idempotency }: Plan): boolean {
  return idempotency !== false && idempotency.whileUnavailable !== 'go-on'
}

/** Names of what is on, for the reader of a violation. */
export function nameOf({ profile, kind }: Setting, plan: Plan): string {
  const on = Object.entries(plan).flatMap(([name, value]) =>
    value === false || name === 'large' || name === 'messages' || name === 'skewMs' || name === 'deadPlace' ? [] : [name],
  )
  return `${profile}, ${kind}: ${on.join(', ')}`
}
