import { checkedNumber } from './checked-number.ts'

/** What a handler or middleware may return or throw instead of succeeding or failing. Made by {@link retryLater} and {@link deadLetter}. */
export class Directive {
  readonly action: 'retry' | 'dead-letter'
  /** Milliseconds; for `retry`. */
  readonly delayMs: number
  /** For `dead-letter`. */
  readonly reason: string | undefined
  /** What made the middleware decide so. */
  readonly error: unknown
  /** Does the start that ends with this count as an attempt? */
  readonly counts: boolean
  /** For `dead-letter`: no attempt is left, as opposed to a message that none would help. `onExhausted: 'block'` goes by it. */
  readonly exhausted: boolean

  constructor(
    action: 'retry' | 'dead-letter',
    details: {
      readonly delayMs?: number
      readonly reason?: string | undefined
      readonly error?: unknown
      readonly counts?: boolean
      readonly exhausted?: boolean
    },
  ) {
    this.action = action
    this.delayMs = details.delayMs ?? 0
    this.reason = details.reason
    this.error = details.error
    this.counts = details.counts ?? true
    this.exhausted = details.exhausted ?? false
  }
}

/** Handle the message again in `ms` milliseconds (≥ 0). Return it or throw it. The attempt counts. */
export function retryLater(ms: number, error?: unknown): Directive {
  checkedNumber('retryLater: ms', ms, 0)
  return new Directive('retry', { delayMs: ms, error })
}

/** Give the message up: it goes to the dead-letter place. Return it or throw it. */
export function deadLetter(reason: string, error?: unknown): Directive {
  return new Directive('dead-letter', { reason, error })
}
