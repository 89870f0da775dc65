/** What an item must bring to live in a {@link Heap}: its place in the order and room for its index. An item is in one heap at a time. */
export interface HeapItem {
  /** Smallest first. Not to be changed while the item is in a heap. */
  rank: number
  /** Decides between equal ranks; smallest first. */
  readonly order: number
  /** Index in the heap; −1 outside of one. */
  slot: number
}

/** A binary heap that can also remove from the middle: O(log n) each. */
export class Heap<T extends HeapItem> {
  readonly #items: T[] = []

  get length(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    this.#items.push(item)
    this.#up(item, this.#items.length - 1)
  }

  pop(): T | undefined {
    const first = this.#items[0]
    if (first !== undefined) this.remove(first)
    return first
  }

  /** Does nothing if `item` is in no heap. */
  remove(item: T): void {
    const slot = item.slot
    if (slot < 0) return
    item.slot = -1
    const last = this.#items.pop() as T
    if (last === item) return
    this.#up(last, slot)
    if (last.slot === slot) this.#down(last, slot)
  }

  /** In no particular order. */
  [Symbol.iterator](): ArrayIterator<T> {
    return this.#items[Symbol.iterator]()
  }

  #up(item: T, from: number): void {
    const items = this.#items
    let slot = from
    while (slot > 0) {
      const above = (slot - 1) >> 1
      const parent = items[above] as T
      if (!before(item, parent)) break
      items[slot] = parent
      parent.slot = slot
      slot = above
    }
    items[slot] = item
    item.slot = slot
  }

  #down(item: T, from: number): void {
    const items = this.#items
    const length = items.length
    let slot = from
    for (;;) {
      let below = 2 * slot + 1
      if (below >= length) break
      if (below + 1 < length && before(items[below + 1] as T, items[below] as T)) below++
      const child = items[below] as T
      if (!before(child, item)) break
      items[slot] = child
      child.slot = slot
      slot = below
    }
    items[slot] = item
    item.slot = slot
  }
}

function before(a: HeapItem, b: HeapItem): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.order < b.order)
}
