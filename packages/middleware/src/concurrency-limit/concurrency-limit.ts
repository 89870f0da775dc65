import { Directive, type Next, type ProcessContext, type ProcessMiddleware } from '@busbar/core'
import { checkedInteger, type MaybePromise } from '@busbar/core/driver'
import { assertOptions } from '../support/assert-option.ts'
import { LinkedList, type Linked } from '../support/linked-list.ts'

export interface ConcurrencyLimitOptions {
  /** Handlers that may run at once, over all consumers that use this instance. ≥ 1. */
  readonly max: number
}

/** A middleware that can be asked how full it is. */
export interface ConcurrencyLimit extends ProcessMiddleware {
  /** Places that are taken, now. */
  readonly running: number
  /** Messages that wait for a place, now. */
  readonly waiting: number
}

const known = ['max']

/**
 * At most `max` handlers run at once in all consumers that use the same instance: for what they share, such as a database with few connections.
 * Places are given in order of arrival. A message that waits for one keeps its slot in its consumer, and its lease is renewed; if its signal fires meanwhile, it leaves, and the
 * start that never came to its handler uses no attempt.
 *
 * Stands inside idempotency and retry, outside rate limit, circuit breaker and timeout: places are for attempts, and waiting for one is not part of the attempt.
 *
 * Synchronous while a place is free.
 *
 * Throws `RangeError` or `TypeError` for options out of bounds or unknown.
 */
export function concurrencyLimit(options: ConcurrencyLimitOptions): ConcurrencyLimit {
  assertOptions('concurrencyLimit', options, known)
  return new SharedLimit(checkedInteger('concurrencyLimit: max', options.max, 1))
}

class Waiter implements Linked<Waiter> {
  previous: Waiter | undefined = undefined
  next: Waiter | undefined = undefined
  /** True: it has a place. */
  readonly answer: (hasPlace: boolean) => void

  constructor(answer: (hasPlace: boolean) => void) {
    this.answer = answer
  }
}

class SharedLimit implements ConcurrencyLimit {
  readonly name = 'concurrencyLimit'
  readonly stage = 'concurrency-limit'
  readonly #max: number
  readonly #line: LinkedList<Waiter> = new LinkedList()
  #running = 0

  constructor(max: number) {
    this.#max = max
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#line.size
  }

  process(context: ProcessContext, next: Next): MaybePromise<unknown> {
    // While anybody waits, all places are taken: whoever leaves one hands it over.
    if (this.#running === this.#max) return this.#wait(context, next)
    this.#running++
    return this.#run(next)
  }

  #run(next: Next): MaybePromise<unknown> {
    let value: MaybePromise<unknown>
    try {
      value = next()
    } catch (error) {
      this.#leave()
      throw error
    }
    if (!(value instanceof Promise)) {
      this.#leave()
      return value
    }
    return value.finally(this.#leave)
  }

  readonly #leave = (): void => {
    const first = this.#line.shift()
    if (first === undefined) this.#running--
    else first.answer(true)
  }

  async #wait(context: ProcessContext, next: Next): Promise<unknown> {
    const { signal } = context
    if (!signal.aborted && (await this.#place(signal))) {
      if (!signal.aborted) return this.#run(next)
      this.#leave()
    }
    // Cancelled by an outer middleware: that counts. Lost, or at the end of a drain: it has not begun.
    if (!context.aborted) throw signal.reason
    return new Directive('retry', { error: signal.reason, counts: false })
  }

  #place(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const waiter = new Waiter((hasPlace) => {
        signal.removeEventListener('abort', onAbort)
        resolve(hasPlace)
      })
      const onAbort = (): void => {
        this.#line.remove(waiter)
        resolve(false)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#line.add(waiter)
    })
  }
}
