import type { Clock, Timer } from '../clock.ts'
import type { HandlerContext } from '../message.ts'
import type { ReceivedMessage } from './received-message.ts'
import type { Run } from './run.ts'

export interface BatchCollectorOptions {
  readonly batchSize: number
  readonly lingerMs: number
  readonly clock: Clock
  readonly handler: (messages: readonly ReceivedMessage[], context: HandlerContext) => unknown
}

interface Member {
  readonly run: Run
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Turns single handler calls into batches: each run waits here until its batch has been handled, and shares its outcome. */
export class BatchCollector {
  readonly #options: BatchCollectorOptions
  #members: Member[] = []
  #timer: Timer | undefined

  constructor(options: BatchCollectorOptions) {
    this.#options = options
  }

  readonly join = (run: Run): Promise<unknown> =>
    new Promise((resolve, reject) => {
      this.#members.push({ run, resolve, reject })
      const { batchSize, lingerMs, clock } = this.#options
      if (this.#members.length >= batchSize) this.#close()
      else this.#timer ??= clock.timer(clock.monotonic() + lingerMs, () => this.#close())
    })

  #close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const members = this.#members
    this.#members = []
    void this.#handle(members)
  }

  async #handle(members: readonly Member[]): Promise<void> {
    try {
      const value = await this.#options.handler(
        members.map((member) => member.run.message),
        new BatchContext(members),
      )
      for (const member of members) member.resolve(value)
    } catch (error) {
      for (const member of members) member.reject(error)
    }
  }
}

/** Fires when any message of the batch is lost: its work can no longer be settled as a whole. */
class BatchContext implements HandlerContext {
  readonly #members: readonly Member[]
  #signal: AbortSignal | undefined

  constructor(members: readonly Member[]) {
    this.#members = members
  }

  get signal(): AbortSignal {
    return (this.#signal ??= AbortSignal.any(this.#members.map((member) => member.run.signal)))
  }
}
