import { Directive, type ProcessContext, type ProcessMiddleware } from '@busbar/core'
import { checkedInteger, checkedNumber, longestHoldMs, type MaybePromise } from '@busbar/core/driver'
import { assertFunction, assertOptions } from '../support/assert-option.ts'
import { assertPredicate, isYes } from '../support/predicate.ts'
import { Circuit, type CircuitLimits } from './circuit.ts'

/** `closed`: all attempts begin. `open`: none does. `half-open`: a few do, to see how they end. */
export type CircuitState = 'closed' | 'open' | 'half-open'

export interface CircuitChange {
  readonly state: CircuitState
}

interface CommonOptions {
  /** How far back failures count, in milliseconds, ≥ 10. Default 10,000. */
  readonly windowMs?: number
  /** How long the circuit stays open before it is probed, in milliseconds, ≥ 1. At most what the endpoint can hold a message for. Default 10,000. */
  readonly openMs?: number
  /** Attempts that probe a half-open circuit at once, and successes that close it. 1 to 1,000. Default 3. */
  readonly probes?: number
  /**
   * Is this error a failure of what is protected? Asked for what a handler throws, what a `retryLater` names, and with `undefined` for a `nack`. Default: always.
   * Only `true` is a yes; so is a throw. If it answers with a promise it is refused, or, where that shows only then, the attempt fails with a `TypeError` that says so.
   */
  readonly isFailure?: (error: unknown) => boolean
  /** Told about every change of the state. What it throws is ignored. */
  readonly onChange?: (change: CircuitChange) => void
}

/** Opens by the number of failures in the window, or by their part of all results. */
export type CircuitBreakerOptions = CommonOptions &
  (
    | {
        /** Failures in the window that open the circuit. ≥ 1. */
        readonly failures: number
        readonly failureRate?: undefined
        readonly minimum?: undefined
      }
    | {
        /** Part of the attempts in the window whose failure opens the circuit. Above 0, at most 1. */
        readonly failureRate: number
        /** Attempts in the window before the rate counts. ≥ 1. Default 20. */
        readonly minimum?: number
        readonly failures?: undefined
      }
  )

/** A middleware that can be asked how things are. */
export interface CircuitBreaker extends ProcessMiddleware {
  readonly state: CircuitState
  /** Closes the circuit at once: for an operator who knows better. */
  reset(): void
}

const known = ['failures', 'failureRate', 'minimum', 'windowMs', 'openMs', 'probes', 'isFailure', 'onChange']

/**
 * Stops consumers while what their handlers depend on is down. When too many attempts have failed, the circuit opens: all consumers that use the same instance stop
 * receiving and start nothing. After `openMs` it is half open: a few messages are let through as probes. If they succeed it closes; if one fails it opens again.
 *
 * Nothing is handed back meanwhile, no attempt is used, and keys keep their order: what is held waits here with its lease renewed. The attempts that failed go by the retry policy.
 *
 * A failure is what the handler throws, a `nack` and a `retryLater`, if `isFailure` says so. A `deadLetter` is none: it is the message that is at fault. Attempts that
 * were aborted (a lost lease, the deadline of a drain), and starts that use no attempt, say nothing either way.
 *
 * Stands inside retry, concurrency limit and rate limit, outside timeout. Synchronous. Consumers that share an instance share its clock as well.
 *
 * Throws `RangeError` or `TypeError` for options out of bounds or unknown.
 */
export function circuitBreaker(options: CircuitBreakerOptions): CircuitBreaker {
  const limits = checkedLimits(options)
  const counts = failureFilter(options)
  const circuit = new Circuit(limits)

  return {
    name: 'circuitBreaker',
    stage: 'circuit-breaker',
    get state() {
      return circuit.state
    },
    reset: () => circuit.reset(),
    check(capabilities) {
      const longest = longestHoldMs(capabilities)
      return limits.openMs <= longest ? [] : [`openMs of ${limits.openMs} is longer than a message can be held here; the largest that fits is ${longest}`]
    },
    process(context, next): MaybePromise<unknown> {
      const era = circuit.begin(context)
      if (era instanceof Directive) return era
      const ended = (outcome: unknown, thrown: boolean): void => {
        let failed: boolean | undefined = true
        try {
          failed = verdict(context, outcome, thrown, counts)
        } finally {
          circuit.end(era, context, failed)
        }
      }
      let value: MaybePromise<unknown>
      try {
        value = next()
      } catch (error) {
        ended(error, true)
        throw error
      }
      if (!(value instanceof Promise)) {
        ended(value, false)
        return value
      }
      return value.then(
        (late) => {
          ended(late, false)
          return late
        },
        (error: unknown) => {
          ended(error, true)
          throw error
        },
      )
    },
  }
}

function failureFilter({ isFailure }: CircuitBreakerOptions): (error: unknown) => boolean {
  if (isFailure === undefined) return () => true
  return (error) => {
    let answer: unknown
    try {
      answer = isFailure(error)
    } catch {
      return true
    }
    return isYes('circuitBreaker: isFailure', answer)
  }
}

/** Has what is protected failed? `undefined`: the attempt does not tell. */
function verdict(context: ProcessContext, outcome: unknown, thrown: boolean, counts: (error: unknown) => boolean): boolean | undefined {
  if (context.aborted) return undefined
  if (outcome instanceof Directive) {
    if (!outcome.counts) return undefined
    return outcome.action === 'retry' && counts(outcome.error)
  }
  if (context.settled === undefined) return thrown && counts(outcome)
  return context.settled === 'retry' && counts(thrown ? outcome : undefined)
}

function checkedLimits(options: CircuitBreakerOptions): CircuitLimits {
  assertOptions('circuitBreaker', options, known)
  const { failures, failureRate, minimum, windowMs = 10_000, openMs = 10_000, probes = 3, isFailure, onChange } = options
  if ((failures === undefined) === (failureRate === undefined)) throw new TypeError('circuitBreaker: give either failures or failureRate')
  if (failures !== undefined && minimum !== undefined) throw new TypeError('circuitBreaker: minimum belongs to failureRate')
  if (failures !== undefined) checkedInteger('circuitBreaker: failures', failures, 1)
  // Above 0: the least number there is.
  if (failureRate !== undefined) checkedNumber('circuitBreaker: failureRate', failureRate, Number.MIN_VALUE, 1)
  checkedInteger('circuitBreaker: minimum', minimum ?? 20, 1)
  checkedNumber('circuitBreaker: windowMs', windowMs, 10)
  checkedNumber('circuitBreaker: openMs', openMs, 1)
  checkedInteger('circuitBreaker: probes', probes, 1, 1_000)
  assertPredicate('circuitBreaker: isFailure', isFailure)
  assertFunction('circuitBreaker: onChange', onChange)
  return { failures: failures ?? Infinity, failureRate: failureRate ?? 2, minimum: minimum ?? 20, windowMs, openMs, probes, onChange }
}
