import type { Connection } from '../connection/connection.ts'

/** A connection that has lived so long, in milliseconds, was not taken away by somebody who comes again and again. */
export const settledMs = 5_000
const suspicious = 3

/**
 * Notices that a session is taken away time after time, by a client that keeps no notes. Brokers mostly give no reason, and each time looks like a lost connection;
 * but the other connection of the link, which has another client id, goes on.
 */
export class Contention {
  #openedAt = -Infinity
  #beside: Connection | undefined
  #times = 0

  /** How often in a row it did not live long. */
  get times(): number {
    return this.#times
  }

  get suspected(): boolean {
    return this.#times >= suspicious
  }

  /** `beside`: the other connection of the link at this time. */
  opened(now: number, beside: Connection | undefined): void {
    this.#openedAt = now
    this.#beside = beside
  }

  /** To be called once for every connection that was lost. `lostAt`: when; `beside`: the other connection afterwards. */
  lost(lostAt: number, beside: Connection | undefined): void {
    this.#times = lostAt - this.#openedAt < settledMs && beside === this.#beside ? this.#times + 1 : 0
  }

  settled(): void {
    this.#times = 0
  }
}
