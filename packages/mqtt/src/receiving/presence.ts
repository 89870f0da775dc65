import type { Clock } from '@busbar/core/driver'

/** What asks the holder of a session whether he is there; he notes it again. */
export const knock = '?'

/** Silence after which a holder is gone, in milliseconds, and so many looks: a broker that was killed has sent no will. */
const silentMs = 20_000
const silentLooks = 10

/** When something was last heard of the holders of a queue's sessions. */
export class Presence {
  readonly #clock: Clock
  readonly #lookMs: number
  /** Monotonic milliseconds, by index. */
  readonly #heardAt: Map<number, number> = new Map()

  /** `lookMs`: how often its user looks. */
  constructor(clock: Clock, lookMs: number) {
    this.#clock = clock
    this.#lookMs = lookMs
  }

  heard(index: number): void {
    this.#heardAt.set(index, this.#clock.monotonic())
  }

  /** After a time in which nothing could be heard. */
  forget(): void {
    this.#heardAt.clear()
  }

  /** Has it been silent for long? Then ask, at every look from now on. */
  isSilent(index: number): boolean {
    return this.#silenceOf(index) > silentMs
  }

  /** Has it not answered either? */
  isGone(index: number): boolean {
    return this.#silenceOf(index) > silentMs + silentLooks * this.#lookMs
  }

  #silenceOf(index: number): number {
    const now = this.#clock.monotonic()
    const heardAt = this.#heardAt.get(index) ?? now
    this.#heardAt.set(index, heardAt)
    return now - heardAt
  }
}
