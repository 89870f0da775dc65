import { runRounds, type Trial } from '../engine/rounds.ts'
import { valueRow, type Row } from '../engine/rows.ts'
import { runJob } from '../engine/run-job.ts'
import { cpuMicrosPerMessage, type Samples } from '../engine/sample.ts'
import { median } from '../report/stats.ts'
import type { ChainName, HandlerName, MiddlewareJob } from '../subjects/busbar-middleware.ts'
import type { HeldKeysJob } from '../subjects/held-keys.ts'
import type { Suite, SuiteOptions } from './suite.ts'

const subject = 'busbar'
/** All trials: each chain is compared with the bare one. */
const group = 'middleware'
const maxIdleMicros = 1
const maxBytesPerKey = 300
const held = 1_000_000

interface Measured {
  readonly chain: ChainName
  readonly handler: HandlerName
  /** What its cost is the difference to; the same handler. Default: the bare chain. */
  readonly base?: ChainName
  readonly messages: number
}

const light = 1_000_000
const heavy = 100_000

/** With nothing to do for a message, or no more than to let it through. */
const idle: readonly Measured[] = (
  ['retry', 'timeout', 'rateLimit', 'circuitBreaker', 'concurrencyLimit', 'decompression', 'decryption', 'claimFetch', 'compression', 'claimCheck'] as const
).map((chain) => ({ chain, handler: 'returns', messages: light }))

const atWork: readonly Measured[] = [
  { chain: 'retry', handler: 'fails one in ten', messages: light },
  { chain: 'retry, circuitBreaker', handler: 'fails one in ten', base: 'retry', messages: light },
  { chain: 'idempotency', handler: 'returns', messages: light },
  { chain: 'timeout', handler: 'awaits', messages: light },
  { chain: 'rateLimit by key', handler: 'returns', messages: light },
  { chain: 'concurrencyLimit, a line', handler: 'awaits', messages: light },
  { chain: 'sendOnce', handler: 'returns', messages: heavy },
  { chain: 'compression, decompression', handler: 'returns', messages: heavy },
  { chain: 'encryption, decryption', handler: 'returns', messages: heavy },
  { chain: 'claimCheck, claimFetch', handler: 'returns', messages: heavy },
]

const handlers = ['returns', 'awaits', 'fails one in ten'] as const
const bases: readonly Measured[] = handlers.map((handler) => ({ chain: 'bare', handler, messages: light }))

/** What each middleware adds to the bare chain of the same round, and what a key costs that is held. */
export const middleware: Suite = async (options) => {
  const all = [...bases, ...idle, ...atWork.filter((work) => !idle.some((other) => nameOf(other) === nameOf(work)))]
  const trials = [...all.map((measured) => trialOf(measured, options)), ...[true, false].map((keyed) => heldTrial(keyed, options))]
  const samples = await runRounds(trials, options.rounds, options.onProgress)
  const rows = [
    ...bases.map((base) => valueRow(`middleware, bare, a handler that ${base.handler}`, subject, medianMicros(base, samples), 'µs CPU per message')),
    ...idle.map((each) => costRow('idle', each, samples, maxIdleMicros)),
    ...atWork.map((each) => costRow('at work', each, samples)),
    ...heldRows(samples),
  ]
  return { rows, versions: {}, ran: true }
}

function trialOf(measured: Measured, { quick, profileFolder }: SuiteOptions): Trial {
  const { chain, handler, messages } = measured
  const job: MiddlewareJob = { chain, handler, warmup: messages / 10, messages: quick ? messages / 4 : messages }
  return { scenario: nameOf(measured), subject, group, run: () => runJob({ program: 'middleware', options: job }, { profileFolder }) }
}

function heldTrial(keyed: boolean, { profileFolder }: SuiteOptions): Trial {
  const job: HeldKeysJob = { held, keyed }
  return { scenario: heldName(keyed), subject, group, run: () => runJob({ program: 'held-keys', options: job }, { profileFolder }) }
}

function nameOf({ chain, handler }: Pick<Measured, 'chain' | 'handler'>): string {
  return `${chain}, a handler that ${handler}`
}

function heldName(keyed: boolean): string {
  return keyed ? `middleware, ${held.toLocaleString('en')} messages held, a key each` : `middleware, ${held.toLocaleString('en')} messages held, no keys`
}

function micros(measured: Pick<Measured, 'chain' | 'handler'>, samples: Samples): number[] {
  return samples.of(nameOf(measured), subject).map(cpuMicrosPerMessage)
}

function medianMicros(measured: Measured, samples: Samples): number {
  return median(micros(measured, samples))
}

/** The difference is taken inside each round. */
function costRow(what: string, measured: Measured, samples: Samples, most?: number): Row {
  const { chain, handler, base = 'bare' } = measured
  const without = micros({ chain: base, handler }, samples)
  const value = median(micros(measured, samples).map((each, round) => each - (without[round] ?? Number.NaN)))
  const name = base === 'bare' ? chain : `${chain} against ${base}`
  const target = most === undefined ? undefined : { text: `≤ ${most} µs`, met: value <= most }
  return valueRow(`middleware, ${what}`, handler === 'returns' ? name : `${name}; ${handler}`, value, 'µs CPU per message', target)
}

function heldRows(samples: Samples): Row[] {
  const [withKeys, without] = [true, false].map((keyed) =>
    samples.of(heldName(keyed), subject).map(({ numbers }) => numbers?.['bytesPerMessage'] ?? Number.NaN),
  )
  const all = median(withKeys ?? [])
  const lane = median((withKeys ?? []).map((bytes, round) => bytes - (without?.[round] ?? Number.NaN)))
  return [
    valueRow(heldName(true), 'heap per live key', all, 'bytes', { text: `≤ ${maxBytesPerKey} bytes`, met: all <= maxBytesPerKey }),
    valueRow(heldName(true), 'of it for its lane', lane, 'bytes'),
  ]
}
