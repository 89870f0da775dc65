/** A map that forgets its oldest entries beyond `limit`. */
export class BoundedMemory<V> {
  readonly #entries: Map<string, V> = new Map()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#entries.size
  }

  set(key: string, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.#limit) this.#entries.delete(this.#entries.keys().next().value as string)
  }

  /** Returns the value and forgets it. */
  take(key: string): V | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) this.#entries.delete(key)
    return value
  }
}
