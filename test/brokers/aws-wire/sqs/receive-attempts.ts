import type { Clock } from '@busbar/core/driver'
import type { Receipt } from './receipts.ts'

interface Attempt {
  readonly receipts: readonly Receipt[]
  /** When the lease of each of them was to end. */
  readonly until: readonly number[]
  readonly at: number
}

/** What receives with a `ReceiveRequestAttemptId` got, so that one whose answer was lost can be repeated. */
export class ReceiveAttempts {
  readonly #clock: Clock
  readonly #windowMs: number
  readonly #attempts = new Map<string, Attempt>()

  constructor(clock: Clock, windowMs: number) {
    this.#clock = clock
    this.#windowMs = windowMs
  }

  remember(attemptId: string, receipts: readonly Receipt[]): void {
    const at = this.#clock.monotonic()
    for (const [id, attempt] of this.#attempts) if (attempt.at + this.#windowMs <= at) this.#attempts.delete(id)
    this.#attempts.set(attemptId, { receipts, until: receipts.map(({ delivery }) => delivery.until), at })
  }

  /** What the attempt got, if since then nothing of it was deleted, expired or changed; else `undefined`. */
  repeat(attemptId: string): readonly Receipt[] | undefined {
    const attempt = this.#attempts.get(attemptId)
    if (attempt === undefined || attempt.at + this.#windowMs <= this.#clock.monotonic()) return undefined
    const untouched = attempt.receipts.every(({ delivery }, index) => delivery.live && delivery.until === attempt.until[index])
    return untouched ? attempt.receipts : undefined
  }
}
