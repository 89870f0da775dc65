/** What a {@link LinkedList} can hold: an object that keeps its neighbours for it. An item is in one list at a time. */
export interface Linked<T> {
  previous: T | undefined
  next: T | undefined
}

/** First in, first out, where any item can leave in O(1). Holds nothing of what has left. */
export class LinkedList<T extends Linked<T>> {
  #first: T | undefined
  #last: T | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): T | undefined {
    return this.#first
  }

  add(item: T): void {
    item.previous = this.#last
    if (this.#last === undefined) this.#first = item
    else this.#last.next = item
    this.#last = item
    this.#size++
  }

  /** Only for items that are in this list. */
  remove(item: T): void {
    const { previous, next } = item
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    item.previous = undefined
    item.next = undefined
    this.#size--
  }

  shift(): T | undefined {
    const first = this.#first
    if (first !== undefined) this.remove(first)
    return first
  }
}
