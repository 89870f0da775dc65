import { checkedNumber } from './checked-number.ts'
import { assertKnownKeys } from './nearest.ts'

/** How long to wait before each retry. Immutable and without state: one object serves all messages. */
export interface Backoff {
  /** Longest wait that `delay` ever returns, in milliseconds. */
  readonly maxMs: number
  /**
   * Whole milliseconds to wait after handler start number `attempt` (from 1) has failed.
   * `random` is uniform in [0, 1); `previousMs` is the wait that was asked for before that start, where this process knows it.
   * What throws, or is no finite number from 0 to `maxMs`, is a fault of the policy and not of the message: it waits 30 seconds, and `retry:invalid-wait` is logged.
   */
  delay(attempt: number, random: () => number, previousMs?: number): number
}

/** `full`: anywhere between 0 and the wait. `equal`: between half the wait and all of it. `none`: exactly the wait. */
export type Jitter = 'full' | 'equal' | 'none'

export interface ExponentialOptions {
  /** Wait after the first failure, in milliseconds, ≥ 0. Default 1,000. */
  readonly initialMs?: number
  /** Longest wait, in milliseconds, ≥ `initialMs`. Default 30,000. */
  readonly maxMs?: number
  /** Each wait is this many times the last, ≥ 1. Default 2. */
  readonly factor?: number
  /** Default `full`. */
  readonly jitter?: Jitter
}

export interface LinearOptions {
  /** Wait after the first failure, in milliseconds, ≥ 0. Default 1,000. */
  readonly initialMs?: number
  /** Added at each further failure, in milliseconds, ≥ 0. Default: `initialMs`. */
  readonly stepMs?: number
  /** Longest wait, in milliseconds, ≥ `initialMs`. Default 30,000. */
  readonly maxMs?: number
  /** Default `full`. */
  readonly jitter?: Jitter
}

export interface DecorrelatedOptions {
  /** Shortest wait, in milliseconds, ≥ 0. Default 1,000. */
  readonly initialMs?: number
  /** Longest wait, in milliseconds, ≥ `initialMs`. Default 30,000. */
  readonly maxMs?: number
}

/** `initialMs · factor^(attempt − 1)`, at most `maxMs`, then jitter. Throws `RangeError` for values out of bounds, `TypeError` for unknown options. */
export function exponential(options: ExponentialOptions = {}): Backoff {
  assertKnownKeys('exponential', options, ['initialMs', 'maxMs', 'factor', 'jitter'])
  const { initialMs = 1000, maxMs = 30_000, factor = 2, jitter = 'full' } = options
  checkBounds('exponential', initialMs, maxMs)
  checkedNumber('exponential: factor', factor, 1)
  const spread = jitterOf('exponential', jitter)
  return { maxMs, delay: (attempt, random) => spread(Math.min(maxMs, grown(initialMs, factor, attempt)), random) }
}

/** `initialMs + stepMs · (attempt − 1)`, at most `maxMs`, then jitter. Throws as {@link exponential}. */
export function linear(options: LinearOptions = {}): Backoff {
  assertKnownKeys('linear', options, ['initialMs', 'stepMs', 'maxMs', 'jitter'])
  const { initialMs = 1000, maxMs = 30_000, jitter = 'full' } = options
  const { stepMs = initialMs } = options
  checkBounds('linear', initialMs, maxMs)
  checkedNumber('linear: stepMs', stepMs, 0)
  const spread = jitterOf('linear', jitter)
  return { maxMs, delay: (attempt, random) => spread(Math.min(maxMs, initialMs + stepMs * (attempt - 1)), random) }
}

/** The same wait every time. `ms` ≥ 0; jitter is `none` by default. */
export function constant(ms: number, options: { readonly jitter?: Jitter } = {}): Backoff {
  assertKnownKeys('constant', options, ['jitter'])
  checkBounds('constant', ms, ms)
  const spread = jitterOf('constant', options.jitter ?? 'none')
  return { maxMs: ms, delay: (_attempt, random) => spread(ms, random) }
}

/**
 * Anywhere between `initialMs` and three times the previous wait, at most `maxMs` ("decorrelated jitter").
 * Where the previous wait is unknown, the longest one possible at that attempt is assumed. Throws as {@link exponential}.
 */
export function decorrelated(options: DecorrelatedOptions = {}): Backoff {
  assertKnownKeys('decorrelated', options, ['initialMs', 'maxMs'])
  const { initialMs = 1000, maxMs = 30_000 } = options
  checkBounds('decorrelated', initialMs, maxMs)
  return {
    maxMs,
    delay: (attempt, random, previousMs = grown(initialMs, 3, attempt)) => {
      const longest = Math.min(maxMs, Math.max(initialMs, previousMs * 3))
      return Math.floor(initialMs + random() * (longest - initialMs))
    },
  }
}

/** No wait stays none, however large the power. */
function grown(initialMs: number, factor: number, attempt: number): number {
  return initialMs === 0 ? 0 : initialMs * factor ** (attempt - 1)
}

function checkBounds(what: string, initialMs: number, maxMs: number): void {
  checkedNumber(`${what}: the wait in milliseconds`, initialMs, 0)
  checkedNumber(`${what}: maxMs`, maxMs, initialMs)
}

function jitterOf(what: string, jitter: Jitter): (ms: number, random: () => number) => number {
  switch (jitter) {
    case 'full':
      return (ms, random) => Math.floor(random() * ms)
    case 'equal':
      return (ms, random) => Math.floor(ms / 2 + random() * (ms / 2))
    case 'none':
      return (ms) => Math.floor(ms)
    default:
      throw new RangeError(`${what}: jitter must be 'full', 'equal' or 'none', not ${String(jitter)}`)
  }
}
