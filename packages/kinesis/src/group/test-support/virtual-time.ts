import type { Clock, Timer } from '@busbar/core/driver'

interface Waiting {
  readonly atMs: number
  readonly order: number
  readonly wake: () => void
  cancelled: boolean
}

/** Time that passes only when it is told to, for any number of processes. */
export class VirtualTime {
  #nowMs = 0
  #order = 0
  /** A binary heap. */
  readonly #heap: Waiting[] = []

  get nowMs(): number {
    return this.#nowMs
  }

  /** The clock of a process: its wall clock is off by so much, and its monotonic clock began at another number and runs at another rate. */
  clock(skewMs = 0, rate = 1): Clock {
    const began = 1_000_000 + Math.abs(skewMs)
    return {
      now: () => 1_700_000_000_000 + skewMs + this.#nowMs * rate,
      monotonic: () => began + this.#nowMs * rate,
      timer: (atMs, wake) => this.#timer(Math.max(this.#nowMs, (atMs - began) / rate), wake),
      external: (operation) => operation,
    }
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#timer(this.#nowMs + ms, resolve))
  }

  /** Lets so much time pass, timer by timer. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settled()
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#nowMs = next.atMs
      // All of one moment together, in the order in which they were set.
      while (this.#heap[0] !== undefined && this.#heap[0].atMs <= this.#nowMs) this.#wakeFirst()
      await settled()
    }
    this.#nowMs = untilMs
  }

  #wakeFirst(): void {
    const first = this.#pop()
    if (!first.cancelled) first.wake()
  }

  #timer(atMs: number, wake: () => void): Timer {
    const waiting: Waiting = { atMs, order: this.#order++, wake, cancelled: false }
    this.#heap.push(waiting)
    for (let index = this.#heap.length - 1; index > 0;) {
      const parent = (index - 1) >> 1
      if (!isBefore(this.#heap[index] as Waiting, this.#heap[parent] as Waiting)) break
      this.#swap(index, parent)
      index = parent
    }
    return {
      cancel: () => {
        waiting.cancelled = true
      },
    }
  }

  #pop(): Waiting {
    const first = this.#heap[0] as Waiting
    const last = this.#heap.pop() as Waiting
    if (this.#heap.length === 0) return first
    this.#heap[0] = last
    for (let index = 0; ;) {
      let least = index
      for (const child of [2 * index + 1, 2 * index + 2])
        if (child < this.#heap.length && isBefore(this.#heap[child] as Waiting, this.#heap[least] as Waiting)) least = child
      if (least === index) return first
      this.#swap(index, least)
      index = least
    }
  }

  #swap(one: number, other: number): void {
    ;[this.#heap[one], this.#heap[other]] = [this.#heap[other] as Waiting, this.#heap[one] as Waiting]
  }
}

function isBefore(one: Waiting, other: Waiting): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order)
}

/** Microtasks have run: promises that are settled have told whoever waited. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A repeatable source of numbers from 0 to 1. */
export function seeded(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
