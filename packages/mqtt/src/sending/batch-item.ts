import type { Outgoing, SendResult } from '@busbar/core/driver'
import { publicationOf, sizeOf, type Form } from '../message/outgoing.ts'
import type { Publication } from '../message/packet.ts'
import type { Item, Unmatched } from './item.ts'

/** Messages that were handed over together; their results come together. */
export interface Batch {
  readonly form: Form
  readonly unmatched: Unmatched
  readonly what: string
  readonly signal: AbortSignal
  readonly onUnmatched: (() => void) | undefined
  readonly results: SendResult[]
  /** Those without a result. */
  open: number
  readonly resolve: (results: readonly SendResult[]) => void
}

/** One of them. There is one for each message, so that it has no closures. */
export class BatchItem implements Item {
  readonly #batch: Batch
  readonly #message: Outgoing
  readonly #index: number

  constructor(batch: Batch, message: Outgoing, index: number) {
    this.#batch = batch
    this.#message = message
    this.#index = index
  }

  get unmatched(): Unmatched {
    return this.#batch.unmatched
  }

  get what(): string {
    return this.#batch.what
  }

  get signal(): AbortSignal {
    return this.#batch.signal
  }

  write(): Publication {
    return publicationOf(this.#message, this.#batch.form)
  }

  size(): number {
    return sizeOf(this.#message, this.#batch.form)
  }

  settle(result: SendResult): void {
    const batch = this.#batch
    if (!result.ok && result.error.code === 'ERR_UNROUTABLE') batch.onUnmatched?.()
    batch.results[this.#index] = result
    if (--batch.open === 0) batch.resolve(batch.results)
  }
}
