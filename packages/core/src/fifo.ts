/** First in, first out, with O(1) amortised operations and no allocation per item. */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** Puts `items` before everything else, keeping their order. O(items) where there is room from items that were taken, as there is for those that come back. */
  unshiftAll(items: readonly T[]): void {
    if (items.length > this.#head) {
      this.#items = [...items, ...this.#items.slice(this.#head)]
      this.#head = 0
      return
    }
    this.#head -= items.length
    for (let i = 0; i < items.length; i++) this.#items[this.#head + i] = items[i]
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head === this.#items.length) {
      this.#items.length = 0
      this.#head = 0
    } else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  peek(): T | undefined {
    return this.#items[this.#head]
  }

  /** Empties it. */
  takeAll(): T[] {
    const items = [...this]
    this.#items.length = 0
    this.#head = 0
    return items
  }

  [Symbol.iterator](): ArrayIterator<T> {
    return (this.#items.slice(this.#head) as T[]).values()
  }
}
