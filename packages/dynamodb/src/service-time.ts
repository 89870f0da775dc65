import type { Clock } from '@busbar/core/driver'

/** Between which two moments the service's clock is, in milliseconds since the epoch. */
export interface TimeBounds {
  readonly earliest: number
  readonly latest: number
}

/** Answers carry the time in whole seconds. */
const resolutionMs = 1_000
/** How far the clocks of the service's hosts may be apart, in milliseconds. */
const hostsApartMs = 100
/** How much faster or slower than the service's our clock may run. Crystals keep a tenth of it. */
const drift = 0.000_5
/** A time that was heard longer ago is asked for again, in milliseconds. */
const freshMs = 60_000
/** A wall clock that moved so much more or less than the monotonic one means that the process may have been suspended, in milliseconds. */
const jumpMs = 1_000

/**
 * The service's time, from the `Date` of its answers: the only clock that all processes see. Wall clocks of processes are not used. Each answer bounds the time,
 * to a second and its own way; together they do so more narrowly.
 */
export class ServiceTime {
  readonly #clock: Clock
  /** What to add to the monotonic clock, at least and at most. */
  #least = 0
  #most = 0
  #heard: { readonly monotonic: number; readonly wall: number } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `date` came with the answer to what was sent at `sentAt` on the monotonic clock. What is no date is ignored. */
  hear(date: string | undefined, sentAt: number): void {
    const began = date === undefined ? Number.NaN : Date.parse(date)
    if (Number.isNaN(began)) return
    const now = this.#clock.monotonic()
    const least = began - hostsApartMs - now
    const most = began + resolutionMs + hostsApartMs - sentAt
    const driftMs = this.#heard === undefined ? Infinity : (now - this.#heard.monotonic) * drift
    this.#least = Math.max(this.#least - driftMs, least)
    this.#most = Math.min(this.#most + driftMs, most)
    // The service's clock was set, or this process was suspended: what was heard before no longer holds.
    if (this.#least > this.#most) [this.#least, this.#most] = [least, most]
    this.#heard = { monotonic: now, wall: this.#clock.now() }
  }

  /** Must the service be asked before {@link ServiceTime.bounds} can be relied on? */
  get stale(): boolean {
    if (this.#heard === undefined) return true
    const passedMs = this.#clock.monotonic() - this.#heard.monotonic
    return passedMs > freshMs || Math.abs(this.#clock.now() - this.#heard.wall - passedMs) > jumpMs
  }

  bounds(): TimeBounds {
    const now = this.#clock.monotonic()
    return { earliest: now + this.#least, latest: now + this.#most }
  }
}
