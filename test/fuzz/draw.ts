import { seededRandom } from '@busbar/memory'

/** Choices of one input, all made by its seed. */
export class Draw {
  readonly #random: () => number

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  /** A whole number from 0 to `limit` − 1. */
  below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  /** `part`: from 0 for never to 1 for always. */
  chance(part: number): boolean {
    return this.#random() < part
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new TypeError('there is nothing to choose from')
    return list[this.below(list.length)] as T
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    for (let index = 0; index < length; index++) bytes[index] = this.below(256)
    return bytes
  }
}
