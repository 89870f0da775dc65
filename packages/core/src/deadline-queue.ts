import type { Clock, Timer } from './clock.ts'

/** A deadline in a {@link DeadlineQueue}; the handle that removes it. */
export interface Deadline<T> {
  /** Monotonic milliseconds. */
  readonly atMs: number
  readonly item: T
}

interface Entry<T> extends Deadline<T> {
  readonly sequence: number
  pending: boolean
}

/** Removed entries stay in the heap until there are this many more of them than of pending ones. */
const slack = 64

/**
 * Many deadlines, one timer of the clock. Adding is O(log n), removing O(1) amortised; memory is bounded by twice the pending entries.
 * Items come due in the order of their deadlines, equal ones in the order in which they were added.
 */
export class DeadlineQueue<T> {
  readonly #clock: Clock
  readonly #onDue: (items: T[]) => void
  #heap: Entry<T>[] = []
  #pending = 0
  #sequence = 0
  #timer: Timer | undefined
  #timerAtMs = Infinity

  /** `onDue` is called once per waking with everything that is due by then; it may add and remove deadlines. */
  constructor(clock: Clock, onDue: (items: T[]) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  /** Number of deadlines that are waiting. */
  get size(): number {
    return this.#pending
  }

  /** `atMs` is on the monotonic clock; a deadline that has passed comes due at once, but never before `add` returns. */
  add(atMs: number, item: T): Deadline<T> {
    if (Number.isNaN(atMs)) throw new RangeError('DeadlineQueue: atMs must be a number, not NaN')
    const entry: Entry<T> = { atMs, item, sequence: this.#sequence++, pending: true }
    this.#pending++
    siftUp(this.#heap, this.#heap.push(entry) - 1, entry)
    if (atMs < this.#timerAtMs) this.#arm(atMs)
    return entry
  }

  /** False if the deadline has come due or was removed before. */
  remove(deadline: Deadline<T>): boolean {
    const entry = deadline as Entry<T>
    if (!entry.pending) return false
    entry.pending = false
    this.#pending--
    if (this.#pending === 0) this.clear()
    else if (this.#heap.length > 2 * this.#pending + slack) this.#compact()
    return true
  }

  /** Removes all deadlines and stops the timer. */
  clear(): void {
    for (const entry of this.#heap) entry.pending = false
    this.#heap = []
    this.#pending = 0
    this.#disarm()
  }

  #arm(atMs: number): void {
    this.#timer?.cancel()
    this.#timerAtMs = atMs
    // An endless wait needs no timer, but a place in the heap, so that it can be removed like any other.
    this.#timer = atMs === Infinity ? undefined : this.#clock.timer(atMs, this.#wake)
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerAtMs = Infinity
  }

  readonly #wake = (): void => {
    const now = this.#clock.monotonic()
    const due: T[] = []
    let head = this.#heap[0]
    while (head !== undefined && (!head.pending || head.atMs <= now)) {
      popHead(this.#heap)
      if (head.pending) {
        head.pending = false
        this.#pending--
        due.push(head.item)
      }
      head = this.#heap[0]
    }
    // Armed first, so that a throwing `onDue` cannot stop the queue.
    this.#timerAtMs = Infinity
    this.#timer = undefined
    if (head !== undefined) this.#arm(head.atMs)
    if (due.length > 0) this.#onDue(due)
  }

  #compact(): void {
    // A sorted array is a heap.
    this.#heap = this.#heap.filter((entry) => entry.pending).sort((a, b) => (before(a, b) ? -1 : 1))
  }
}

function before<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence)
}

function siftUp<T>(heap: Entry<T>[], start: number, entry: Entry<T>): void {
  let index = start
  while (index > 0) {
    const parentIndex = (index - 1) >> 1
    const parent = heap[parentIndex]
    if (parent === undefined || before(parent, entry)) break
    heap[index] = parent
    index = parentIndex
  }
  heap[index] = entry
}

function popHead<T>(heap: Entry<T>[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let index = 0
  for (;;) {
    const left = heap[2 * index + 1]
    if (left === undefined) break
    const right = heap[2 * index + 2]
    const takeRight = right !== undefined && before(right, left)
    const child = takeRight ? right : left
    if (before(last, child)) break
    heap[index] = child
    index = 2 * index + (takeRight ? 2 : 1)
  }
  heap[index] = last
}
