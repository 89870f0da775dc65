import type { Clock, Timer } from './clock.ts'

/** Longest wait of `setTimeout`; a longer one would fire at once. */
const maxTimeoutMs = 2 ** 31 - 1

/**
 * Real time: the only place in core where it is read.
 * Timers hold the process open: each stands for work that someone waits for (a retry, a lease, a deadline), and whoever has no more work cancels its timers.
 */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer: (atMs: number, wake: () => void): Timer => new SystemTimer(atMs, wake),
  external: <T>(operation: Promise<T>): Promise<T> => operation,
})

class SystemTimer implements Timer {
  readonly #atMs: number
  readonly #wake: () => void
  #timeout: ReturnType<typeof setTimeout> | undefined
  #immediate: ReturnType<typeof setImmediate> | undefined

  constructor(atMs: number, wake: () => void) {
    this.#atMs = atMs
    this.#wake = wake
    const waitMs = atMs - performance.now()
    if (waitMs > 0) this.#wait(waitMs)
    else this.#immediate = setImmediate(wake)
  }

  cancel(): void {
    clearTimeout(this.#timeout)
    clearImmediate(this.#immediate)
  }

  #wait(waitMs: number): void {
    this.#timeout = setTimeout(this.#elapsed, Math.min(maxTimeoutMs, Math.ceil(waitMs)))
  }

  readonly #elapsed = (): void => {
    // The event loop counts whole milliseconds and can be early by one; a long wait comes in parts.
    const waitMs = this.#atMs - performance.now()
    if (waitMs > 0) this.#wait(waitMs)
    else this.#wake()
  }
}
