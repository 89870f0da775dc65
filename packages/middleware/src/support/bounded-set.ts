/** Remembers the last so many texts. */
export class BoundedSet {
  readonly #most: number
  readonly #texts = new Set<string>()

  constructor(most: number) {
    this.#most = most
  }

  add(text: string): void {
    this.#texts.add(text)
    if (this.#texts.size > this.#most) this.#texts.delete(this.#texts.keys().next().value as string)
  }

  has(text: string): boolean {
    return this.#texts.has(text)
  }
}
