const smallest = 16

/** A queue in a circular array: O(1) at both ends, and by index. It shrinks again when it empties. */
export class Ring<T> {
  #items: (T | undefined)[] = new Array<T | undefined>(smallest)
  #mask = smallest - 1
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    if (this.#length > this.#mask) this.#grow()
    this.#items[(this.#head + this.#length++) & this.#mask] = item
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) & this.#mask
    if (--this.#length === 0 && this.#mask > 1023) this.#reset()
    return item
  }

  peek(): T | undefined {
    return this.#items[this.#head]
  }

  /** `index` counts from the front and must be below `length`. */
  at(index: number): T {
    return this.#items[(this.#head + index) & this.#mask] as T
  }

  set(index: number, item: T): void {
    this.#items[(this.#head + index) & this.#mask] = item
  }

  /** Drops everything. */
  clear(): void {
    this.#reset()
  }

  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (let index = 0; index < this.#length; index++) yield this.at(index)
  }

  #grow(): void {
    const items = new Array<T | undefined>((this.#mask + 1) * 2)
    for (let index = 0; index < this.#length; index++) items[index] = this.at(index)
    this.#items = items
    this.#mask = items.length - 1
    this.#head = 0
  }

  #reset(): void {
    this.#items = new Array<T | undefined>(smallest)
    this.#mask = smallest - 1
    this.#head = 0
    this.#length = 0
  }
}
