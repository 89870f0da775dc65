import { BrokerError, type Clock } from '@busbar/core'
import type { MaybePromise } from '@busbar/core/driver'

export interface WithinOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  /** For the text of the error: `the body store`. */
  readonly what: string
  /** Ends the waiting, too. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs an operation outside the process. Rejects with `ERR_TIMEOUT` when it takes longer than allowed, and with the signal's reason when that fires;
 * the operation's own signal fires in both cases, and what it does afterwards is nobody's concern.
 */
export async function within<T>({ clock, timeoutMs, what, signal }: WithinOptions, operation: (signal: AbortSignal) => MaybePromise<T>): Promise<T> {
  signal?.throwIfAborted()
  const controller = new AbortController()
  const { promise: ended, reject: end } = Promise.withResolvers<never>()
  const onAbort = (): void => end(signal?.reason)
  const timer = clock.timer(clock.monotonic() + timeoutMs, () => end(new BrokerError('ERR_TIMEOUT', `${what} gave no answer within ${timeoutMs} ms`)))
  signal?.addEventListener('abort', onAbort, { once: true })
  const run = async (): Promise<T> => operation(controller.signal)
  try {
    return await Promise.race([ended, clock.external(run())])
  } catch (error) {
    controller.abort(error)
    throw error
  } finally {
    timer.cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}
