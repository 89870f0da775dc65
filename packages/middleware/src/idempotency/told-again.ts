import { isBrokerError } from '@busbar/core'
import { sleep, type Clock, type MaybePromise } from '@busbar/core/driver'
import { ImpossibleAnswer } from './checked-store.ts'

/** Wait before the store is told the same again, at least, and how long that goes on, in milliseconds: a message waits for it, or the caller of a send. */
const [againMs, longestMs] = [200, 2_000]

/** Tells a store that has failed how a claim ends, until it has got through; rejects with the last failure. Every call may be repeated, so it does not matter whether the first has arrived. */
export async function toldAgain<T>(
  failure: unknown,
  call: () => MaybePromise<T>,
  { clock, random }: { readonly clock: Clock; readonly random: () => number },
): Promise<T> {
  const giveUpAtMs = clock.monotonic() + longestMs
  for (let last = failure; ;) {
    const pauseMs = againMs * (1 + random())
    if (!isPassing(last) || clock.monotonic() + pauseMs > giveUpAtMs) throw last
    await sleep(clock, pauseMs)
    try {
      return await call()
    } catch (error) {
      last = error
    }
  }
}

/** May the next call get through? One that was waited for in vain would be waited for again. */
function isPassing(failure: unknown): boolean {
  return isBrokerError(failure) && failure.retryable && failure.code !== 'ERR_TIMEOUT' && !(failure instanceof ImpossibleAnswer)
}
