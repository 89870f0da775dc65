/** What an {@link IndexedList} can hold: an object that keeps its place for it. −1 when it is in no list. */
export interface Indexed {
  listIndex: number
}

/**
 * An unordered list with O(1) adding and removing.
 * Unlike a `Set` under constant change it leaves no dead tables behind, which keep what they held alive until a full garbage collection.
 */
export class IndexedList<T extends Indexed> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  add(item: T): void {
    item.listIndex = this.#items.length
    this.#items.push(item)
  }

  /** False if it is not in the list. */
  remove(item: T): boolean {
    const index = item.listIndex
    if (index < 0) return false
    item.listIndex = -1
    const last = this.#items.pop() as T
    if (last !== item) {
      this.#items[index] = last
      last.listIndex = index
    }
    return true
  }

  /** A copy, so that items may be removed while it is gone through. */
  all(): T[] {
    return [...this.#items]
  }
}
