import type { Incoming } from '../driver/receiver.ts'
import { deadLetterHeader, unpackDeadLetter } from './header.ts'

/** A broker may deliver a message so often that failed once. */
const copiesOfOne = 10
/** So many are remembered, the latest ones. */
const limit = 100_000

/**
 * What a redrive has sent back, so that it knows what has failed again: that would go round and round where its handler is still broken. A time of failure alone says
 * nothing, since it is of the consumer's clock, which may be ahead of this one or behind.
 */
export class SentBack {
  readonly #startedAt: number
  readonly #times: Map<string, number> = new Map()
  #forgets = false

  /** `startedAt`: wall-clock time at which the redrive began. */
  constructor(startedAt: number) {
    this.#startedAt = startedAt
  }

  add({ id }: Incoming): void {
    if (id === undefined) return
    const times = (this.#times.get(id) ?? 0) + 1
    this.#times.delete(id)
    this.#times.set(id, times)
    if (this.#times.size <= limit) return
    this.#times.delete(this.#times.keys().next().value as string)
    this.#forgets = true
  }

  hasFailedAgain({ id, headers }: Incoming): boolean {
    const times = id === undefined ? undefined : this.#times.get(id)
    const failedAt = unpackDeadLetter(headers[deadLetterHeader])?.lastFailureAt ?? 0
    if (times === undefined) return (id === undefined || this.#forgets) && failedAt > this.#startedAt
    // Else it is a copy that has failed before, or the consumer's clock is behind.
    return failedAt > this.#startedAt || times >= copiesOfOne
  }
}
