import type { Timer } from '@busbar/core/driver'
import type { WireClock } from '../wire-clock.ts'
import type { Receipt } from './receipts.ts'

interface Poll {
  /** What there is for it now. */
  readonly receive: () => readonly Receipt[]
  readonly end: (receipts: readonly Receipt[]) => void
}

/** Receives that wait for messages, first come, first served. */
export class Polls {
  readonly #clock: WireClock
  readonly #waiting = new Set<Poll>()

  constructor(clock: WireClock) {
    this.#clock = clock
  }

  /** What `receive` gives as soon as it gives something; nothing after `waitMs`, when `signal` fires, or when the queue is gone. */
  wait(receive: () => readonly Receipt[], waitMs: number, signal: AbortSignal): Promise<readonly Receipt[]> {
    return new Promise((resolve) => {
      let timer: Timer | undefined = undefined
      const poll: Poll = {
        receive,
        end: (receipts) => {
          timer?.cancel()
          leave()
          signal.removeEventListener('abort', onAbort)
          this.#waiting.delete(poll)
          resolve(receipts)
        },
      }
      const onAbort = (): void => poll.end([])
      if (signal.aborted) {
        resolve([])
        return
      }
      const leave = this.#clock.park()
      timer = this.#clock.timer(this.#clock.monotonic() + waitMs, () => poll.end([]))
      signal.addEventListener('abort', onAbort)
      this.#waiting.add(poll)
    })
  }

  /** Messages are ready: only those whose turn it is get any, the others go on waiting. */
  serve(): void {
    for (const poll of this.#waiting) {
      const receipts = poll.receive()
      if (receipts.length === 0) return
      poll.end(receipts)
    }
  }

  endAll(): void {
    for (const poll of this.#waiting) poll.end([])
  }
}
