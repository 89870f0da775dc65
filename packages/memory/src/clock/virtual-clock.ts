import { assertKnownKeys, type Clock, type Timer } from '@busbar/core/driver'
import { Heap, type HeapItem } from '../collections/heap.ts'

export interface VirtualClockOptions {
  /** Wall-clock time at the start, in milliseconds since the epoch. Default 1,767,225,600,000 (2026-01-01T00:00:00Z). */
  readonly startMs?: number
  /** Advance by itself whenever nothing is left to do at the present instant. Default true. With `false` only `advance` and `tick` move it. */
  readonly auto?: boolean
}

/** A clock whose time passes only when the program has nothing left to do, so that an hour of back-off costs microseconds. */
export interface VirtualClock extends Clock {
  /** Lets `ms` milliseconds (≥ 0) pass: wakes the timers due on the way, each at its own instant, and lets promises settle after each. */
  advance(ms: number): Promise<void>
  /** As `advance`, synchronously: promises settle only afterwards. */
  tick(ms: number): void
  /** Timers that are waiting. */
  readonly pending: number
}

/**
 * A {@link VirtualClock}. In `auto` mode time jumps to the next timer only when the microtask queue is empty and no operation marked by
 * `clock.external` is open. Timers due at one instant wake in the order they were made. Throws `TypeError` or `RangeError` for options out of bounds or unknown.
 */
export function virtualClock(options: VirtualClockOptions = {}): VirtualClock {
  assertKnownKeys('virtualClock', options, ['startMs', 'auto'])
  if (options.startMs !== undefined && !Number.isFinite(options.startMs))
    throw new RangeError(`virtualClock: startMs must be a finite number, not ${String(options.startMs)}`)
  if (options.auto !== undefined && typeof options.auto !== 'boolean')
    throw new TypeError(`virtualClock: auto must be true or false, not ${typeof options.auto}`)
  return new TimerHeapClock(options.startMs ?? 1_767_225_600_000, options.auto ?? true)
}

class VirtualTimer implements Timer, HeapItem {
  readonly rank: number
  readonly order: number
  readonly wake: () => void
  readonly clock: TimerHeapClock
  slot = -1

  constructor(clock: TimerHeapClock, rank: number, order: number, wake: () => void) {
    this.clock = clock
    this.rank = rank
    this.order = order
    this.wake = wake
  }

  cancel(): void {
    this.clock.timers.remove(this)
  }
}

class TimerHeapClock implements VirtualClock {
  readonly timers: Heap<VirtualTimer> = new Heap<VirtualTimer>()
  readonly #startMs: number
  readonly #auto: boolean
  #elapsed = 0
  #made = 0
  #open = 0
  #scheduled = false

  constructor(startMs: number, auto: boolean) {
    this.#startMs = startMs
    this.#auto = auto
  }

  get pending(): number {
    return this.timers.length
  }

  now(): number {
    return this.#startMs + this.#elapsed
  }

  monotonic(): number {
    return this.#elapsed
  }

  timer(atMs: number, wake: () => void): Timer {
    if (Number.isNaN(atMs)) throw new RangeError('timer: atMs must be a number')
    const timer = new VirtualTimer(this, Math.max(atMs, this.#elapsed), this.#made++, wake)
    // One that is never due would take the time there.
    if (atMs === Infinity) return timer
    this.timers.push(timer)
    this.#schedule()
    return timer
  }

  external<T>(operation: Promise<T>): Promise<T> {
    this.#open++
    const ended = (): void => {
      this.#open--
      this.#schedule()
    }
    operation.then(ended, ended)
    return operation
  }

  async advance(ms: number): Promise<void> {
    const until = this.#target(ms)
    await settled()
    for (let next = this.timers.peek(); next !== undefined && next.rank <= until; next = this.timers.peek()) {
      this.#wake(next)
      await settled()
    }
    this.#elapsed = Math.max(this.#elapsed, until)
  }

  tick(ms: number): void {
    const until = this.#target(ms)
    for (let next = this.timers.peek(); next !== undefined && next.rank <= until; next = this.timers.peek()) this.#wake(next)
    this.#elapsed = Math.max(this.#elapsed, until)
  }

  #target(ms: number): number {
    if (!Number.isFinite(ms) || ms < 0) throw new RangeError(`ms must be a finite number ≥ 0, not ${ms}`)
    return this.#elapsed + ms
  }

  #schedule(): void {
    if (!this.#auto || this.#scheduled || this.#open > 0 || this.timers.length === 0) return
    this.#scheduled = true
    setImmediate(this.#step)
  }

  readonly #step = (): void => {
    this.#scheduled = false
    const next = this.timers.peek()
    // One timer per turn: what it sets off ends before the next one wakes.
    if (next !== undefined && this.#open === 0) this.#wake(next)
    this.#schedule()
  }

  #wake(timer: VirtualTimer): void {
    this.timers.remove(timer)
    this.#elapsed = Math.max(this.#elapsed, timer.rank)
    timer.wake()
  }
}

// The one place outside the injected clock that touches the event loop: an immediate runs after every microtask has, which is how "nothing left to do" is known.
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
