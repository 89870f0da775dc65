import type { BrokerError, SendResult } from '@busbar/core/driver'
import type { ConfirmChannel } from 'amqplib'

const stored: SendResult = Object.freeze({ ok: true })

/** Messages to be published by one call. */
export interface Publication {
  readonly size: number
  /** What a negative confirm says: with several queues behind an exchange some may have the message, and a classic queue that failed may have written it. */
  readonly refusal: 'no' | 'unknown'
  /** The native message id; `undefined` if it carries none. */
  idOf(index: number): string | undefined
  /** Bytes of one body. */
  bytesOf(index: number): number
  /** Publishes one message on `channel`. Throws `BrokerError` for a message that cannot be sent, before anything of it is. */
  publish(channel: ConfirmChannel, index: number): void
}

/** A publication under way: gathers one result per message and resolves when the last is in. */
export class Batch {
  readonly publication: Publication
  readonly results: SendResult[]
  readonly done: Promise<readonly SendResult[]>
  #open: number
  #resolve!: (results: readonly SendResult[]) => void

  constructor(publication: Publication) {
    this.publication = publication
    this.results = new Array<SendResult>(publication.size)
    this.#open = publication.size
    this.done = new Promise((resolve) => (this.#resolve = resolve))
    if (publication.size === 0) this.#resolve(this.results)
  }

  /** Decides the result that the confirm will bring. */
  preset(index: number, result: SendResult): void {
    this.results[index] = result
  }

  /** The first result stands, also a preset one. */
  settle(index: number, result: SendResult): void {
    this.results[index] ??= result
    if (--this.#open === 0) this.#resolve(this.results)
  }
}

/** Matches the confirms of one channel with the messages published on it, in constant time per message. */
export class Confirms {
  /** Ring over sequence numbers; a power of two. */
  #batches: (Batch | undefined)[] = Array.from({ length: 1_024 })
  #indexes: Int32Array = new Int32Array(1_024)
  /** Lowest sequence number that may still be open, and the next one to be given. The broker counts from 1. */
  #low = 1
  #next = 1

  get open(): number {
    return this.#next - this.#low
  }

  /** To be called right after each publish. */
  add(batch: Batch, index: number): void {
    if (this.#next - this.#low === this.#batches.length) this.#grow()
    const slot = this.#next++ & (this.#batches.length - 1)
    this.#batches[slot] = batch
    this.#indexes[slot] = index
  }

  acked(tag: number, multiple: boolean): void {
    this.#answer(tag, multiple, undefined)
  }

  nacked(tag: number, multiple: boolean, error: BrokerError): void {
    this.#answer(tag, multiple, error)
  }

  /** The broker could not route a message; its confirm follows. A return names no sequence number, only what we had sent. */
  returned(id: string | undefined, error: BrokerError): void {
    const [open, slots]: [number[], number[]] = [[], []]
    for (let sequence = this.#low; sequence < this.#next; sequence++) {
      const slot = sequence & (this.#batches.length - 1)
      const batch = this.#batches[slot]
      if (batch === undefined) continue
      open.push(slot)
      if (batch.publication.idOf(this.#indexes[slot] as number) === id) slots.push(slot)
    }
    // With several of one id in flight it is not known which came back, nor with none, whose id was sent in another form: none of them may be reported as stored.
    const result: SendResult = { ok: false, error, stored: slots.length === 1 ? 'no' : 'unknown' }
    for (const slot of slots.length > 0 ? slots : open) this.#batches[slot]?.preset(this.#indexes[slot] as number, result)
  }

  /** The channel is gone: whatever is open was handed over and is not answered any more. */
  lost(resultFor: (publication: Publication, index: number) => SendResult): void {
    const mask = this.#batches.length - 1
    for (let sequence = this.#low; sequence < this.#next; sequence++) {
      const slot = sequence & mask
      const batch = this.#batches[slot]
      const index = this.#indexes[slot] as number
      this.#batches[slot] = undefined
      batch?.settle(index, resultFor(batch.publication, index))
    }
    this.#low = this.#next
  }

  #answer(tag: number, multiple: boolean, error: BrokerError | undefined): void {
    if (tag >= this.#next) return
    const mask = this.#batches.length - 1
    for (let sequence = multiple ? this.#low : tag; sequence <= tag; sequence++) {
      const slot = sequence & mask
      const batch = this.#batches[slot]
      this.#batches[slot] = undefined
      if (batch === undefined) continue
      batch.settle(this.#indexes[slot] as number, error === undefined ? stored : { ok: false, error, stored: batch.publication.refusal })
    }
    if (multiple) this.#low = Math.max(this.#low, tag + 1)
    while (this.#low < this.#next && this.#batches[this.#low & mask] === undefined) this.#low++
  }

  #grow(): void {
    const size = this.#batches.length
    const batches: (Batch | undefined)[] = Array.from({ length: size * 2 })
    const indexes = new Int32Array(size * 2)
    for (let sequence = this.#low; sequence < this.#next; sequence++) {
      batches[sequence & (size * 2 - 1)] = this.#batches[sequence & (size - 1)]
      indexes[sequence & (size * 2 - 1)] = this.#indexes[sequence & (size - 1)] as number
    }
    this.#batches = batches
    this.#indexes = indexes
  }
}
