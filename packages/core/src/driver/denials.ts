import type { Clock } from '../clock.ts'

/** Tells denials (access denied, an unknown name) that are meant from those of a broker that is still starting: by how long there has been nothing else. */
export class Denials {
  readonly #clock: Clock
  readonly #believedMs: number
  /** Monotonic milliseconds. */
  #since: number | undefined

  /** `believedMs`: after so many milliseconds they are meant. */
  constructor(clock: Clock, believedMs: number) {
    this.#clock = clock
    this.#believedMs = believedMs
  }

  /** To be called for every failure: whether it is a denial, and there has been nothing else for so long. */
  areMeant(denied: boolean): boolean {
    const now = this.#clock.monotonic()
    this.#since = denied ? (this.#since ?? now) : undefined
    return this.#since !== undefined && now - this.#since >= this.#believedMs
  }

  /** It worked. */
  end(): void {
    this.#since = undefined
  }
}
