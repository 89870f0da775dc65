/**
 * How large the next messages may be, so that a receive asks for no more than there is room for. Begins with the largest possible message, goes up with a larger one at
 * once, and comes down slowly.
 */
export class SizeEstimate {
  #bytes: number

  constructor(largestBytes: number) {
    this.#bytes = largestBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  learn(bodyBytes: number): void {
    this.#bytes = Math.max(1, bodyBytes, this.#bytes - Math.ceil((this.#bytes - bodyBytes) / 4))
  }
}
