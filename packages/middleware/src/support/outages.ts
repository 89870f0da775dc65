import { Directive, type ProcessContext } from '@busbar/core'
import { jittered } from '@busbar/core/driver'

const shortestMs = 500
/** Short enough for core to hold the message in the process: the broker's own count of deliveries stays as it is. */
const longestMs = 5_000

/** Waits for something that is down, and is not the message's fault: they use no attempt, and grow with the time the message has been waiting. */
export class Outages {
  readonly #since: WeakMap<object, number> = new WeakMap()

  /** `what` is the same object at every start of one message. */
  retry(what: object, context: ProcessContext, error: unknown): Directive {
    const now = context.clock.monotonic()
    const since = this.#since.get(what) ?? now
    this.#since.set(what, since)
    return waitFor(now - since, context, error)
  }
}

/** A wait in proportion to `elapsedMs`, the upper half of it at random. */
export function waitFor(elapsedMs: number, context: ProcessContext, error: unknown): Directive {
  const fullMs = Math.min(longestMs, Math.max(shortestMs, elapsedMs))
  return new Directive('retry', { delayMs: Math.floor(jittered(fullMs, context.random)), error, counts: false })
}
