import { setTimeout as sleep } from 'node:timers/promises'
import type { Producer } from '@busbar/core'

const keys = 24

/** Sends bodies `key:number` to all keys in turn until it is stopped, without waiting for confirms: each kill finds messages on their way. */
export class Load {
  readonly confirmed: Set<string> = new Set()
  readonly failures: unknown[] = []
  readonly #sends: Promise<void>[] = []
  readonly #producer: Producer<string>
  #stopped = false
  readonly #running: Promise<void>

  constructor(producer: Producer<string>) {
    this.#producer = producer
    this.#running = this.#run()
  }

  get unconfirmed(): number {
    return this.#sends.length - this.confirmed.size - this.failures.length
  }

  /** How many messages were sent, when all of them are settled. */
  async stop(): Promise<number> {
    this.#stopped = true
    await this.#running
    await Promise.all(this.#sends)
    return this.#sends.length
  }

  async #run(): Promise<void> {
    for (let number = 0; !this.#stopped; number++) {
      for (let key = 0; key < keys; key++) this.#sends.push(this.#send(`k${key}:${number}`))
      // Of an outage only the first messages matter: those that were on their way, and some that wait.
      while (this.unconfirmed > 500 && !this.#stopped) await sleep(10)
      await sleep(10)
    }
  }

  async #send(body: string): Promise<void> {
    try {
      await this.#producer.send(body, { timeoutMs: 60_000 })
      this.confirmed.add(body)
    } catch (error) {
      this.failures.push(error)
    }
  }
}
