/** A running timer. */
export interface Timer {
  /** Stops the timer. Calling it again, or after the timer has fired, does nothing. */
  cancel(): void
}

/**
 * The only source of time in core, middleware, the memory driver and the contract suite.
 * Leases and timers use {@link Clock.monotonic}, message timestamps {@link Clock.now}.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. May jump. */
  now(): number
  /** Milliseconds since an arbitrary start. Never goes back. */
  monotonic(): number
  /** Calls `wake` once when {@link Clock.monotonic} has reached `atMs`; at once (but never synchronously) if it already has. */
  timer(atMs: number, wake: () => void): Timer
  /**
   * Marks `operation` as taking place outside the process (a socket, a file), so that a virtual clock does not advance while it is open.
   * Returns the promise it was given.
   */
  external<T>(operation: Promise<T>): Promise<T>
}
