import type { SendResult } from '@busbar/core/driver'

/** The results of one call: one promise for all of them, since there may be thousands. */
export class Batch {
  readonly #results: (SendResult | undefined)[]
  readonly #onStored: (index: number, position?: string) => void
  readonly #done = Promise.withResolvers<readonly SendResult[]>()
  #missing: number

  constructor(size: number, onStored: (index: number, position?: string) => void = () => undefined) {
    this.#missing = size
    this.#results = Array.from({ length: size })
    this.#onStored = onStored
    this.#resolveIfDone()
  }

  /** Resolves when all are there, in order. */
  get results(): Promise<readonly SendResult[]> {
    return this.#done.promise
  }

  settle(index: number, result: SendResult): void {
    this.keep(index, result)
    this.#resolveIfDone()
  }

  /** Stores a result and resolves nothing: {@link tell} must follow. */
  keep(index: number, result: SendResult): void {
    this.#results[index] = result
    this.#missing--
  }

  /** Resolves the call if nothing is missing, and otherwise tells what is stored already, since others may have to wait for their shards. */
  tell(): void {
    this.#resolveIfDone()
    if (this.#missing === 0) return
    for (const [index, result] of this.#results.entries()) if (result?.ok === true) this.#onStored(index, result.position)
  }

  #resolveIfDone(): void {
    if (this.#missing === 0) this.#done.resolve(this.#results as readonly SendResult[])
  }
}
