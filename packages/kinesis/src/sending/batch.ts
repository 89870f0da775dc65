import type { SendResult } from '@busbar/core/driver'

/** The results of one call: one promise for all of them, since there may be thousands. */
export class Batch {
  readonly #results: SendResult[] = []
  readonly #done = Promise.withResolvers<readonly SendResult[]>()
  #missing: number

  constructor(size: number) {
    this.#missing = size
    if (size === 0) this.#done.resolve(this.#results)
  }

  /** Resolves when all are there, in order. */
  get results(): Promise<readonly SendResult[]> {
    return this.#done.promise
  }

  settle(index: number, result: SendResult): void {
    this.#results[index] = result
    if (--this.#missing === 0) this.#done.resolve(this.#results)
  }
}
