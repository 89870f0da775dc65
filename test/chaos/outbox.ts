import { isBrokerError, type Producer } from '@busbar/core'
import type { HistoryWriter } from './history.ts'
import { idOf } from './message-id.ts'
import { jobOf, type Job } from './workload.ts'

/** Sends of one key that may be under way at once. */
const mostOut = 8

/**
 * Sends the messages of one key as a service does that must not lose any: what was not confirmed is sent again, in order, when all that is under way has settled.
 */
export class Outbox {
  readonly #key: string
  readonly #name: string
  readonly #producer: Producer<Job>
  readonly #history: HistoryWriter
  #next = 0
  #out = 0
  /** Numbers that wait: new ones, and those that have failed. */
  #waiting: number[] = []
  #failed: number[] = []

  constructor(name: string, key: string, producer: Producer<Job>, history: HistoryWriter) {
    this.#name = name
    this.#key = key
    this.#producer = producer
    this.#history = history
  }

  /** Not confirmed. */
  get open(): number {
    return this.#out + this.#waiting.length + this.#failed.length
  }

  /** One more message. */
  add(): void {
    this.#waiting.push(this.#next++)
    this.#send()
  }

  #send(): void {
    if (this.#failed.length > 0) {
      if (this.#out > 0) return
      this.#waiting = [...this.#failed.toSorted((a, b) => a - b), ...this.#waiting]
      this.#failed = []
    }
    while (this.#out < mostOut && this.#failed.length === 0) {
      const number = this.#waiting.shift()
      if (number === undefined) return
      void this.#sendOne(number)
    }
  }

  async #sendOne(number: number): Promise<void> {
    const id = idOf({ producer: this.#name, key: this.#key, number })
    this.#out++
    this.#history.write('sending', id)
    try {
      await this.#producer.send(jobOf(id, this.#key))
      this.#history.write('confirmed', id)
    } catch (error) {
      this.#failure(id, number, error)
    }
    this.#out--
    this.#send()
  }

  #failure(id: string, number: number, error: unknown): void {
    const code = isBrokerError(error) ? error.code : String(error)
    const again = isBrokerError(error) && (error.retryable || error.code === 'ERR_TIMEOUT' || error.code === 'ERR_UNCONFIRMED')
    this.#history.write(again ? 'failed' : 'refused', id, code)
    if (again) this.#failed.push(number)
  }
}
