/** What a {@link LinkedList} can hold: an object that keeps its place for it, in one list at a time. */
export interface Linked<T> {
  before: T | undefined
  next: T | undefined
}

/** An ordered list with O(1) adding and removing anywhere. Items that are asked for, or removed, are in no other. */
export class LinkedList<T extends Linked<T>> {
  first: T | undefined
  size = 0
  #last: T | undefined

  has(item: T): boolean {
    return item === this.first || item.before !== undefined
  }

  /** Adds `item` before `next`, which is in the list. Default: at the end. */
  add(item: T, next?: T): void {
    const before = next ? next.before : this.#last
    item.before = before
    item.next = next
    if (before) before.next = item
    else this.first = item
    if (next) next.before = item
    else this.#last = item
    this.size++
  }

  /** False if it is in no list. */
  remove(item: T): boolean {
    if (!this.has(item)) return false
    const { before, next } = item
    item.before = item.next = undefined
    if (before) before.next = next
    else this.first = next
    if (next) next.before = before
    else this.#last = before
    this.size--
    return true
  }
}
