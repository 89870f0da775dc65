import type { Outgoing, Sender, SendResult } from '@busbar/core/driver'
import { limits } from './limits.ts'

interface Waiting {
  readonly reply: Outgoing
  readonly bytes: number
  readonly resolve: (result: SendResult) => void
}

const never = new AbortController().signal

/** Sends replies to one requester: those of one turn, and those that come while a call is out, go together, ten in a call. */
export class ReplySender {
  readonly #sender: Sender
  readonly #maxBytes: number
  readonly #onIdle: () => void
  #waiting: Waiting[] = []
  #calls = 0
  #scheduled = false

  /** `maxBytes`: of one call. `onIdle`: nothing is waiting, and no call is out. */
  constructor(sender: Sender, maxBytes: number, onIdle: () => void) {
    this.#sender = sender
    this.#maxBytes = maxBytes
    this.#onIdle = onIdle
  }

  /** Never rejects. */
  send(reply: Outgoing): Promise<SendResult> {
    return new Promise((resolve) => {
      this.#waiting.push({ reply, bytes: this.#sender.sizeOf(reply), resolve })
      if (this.#scheduled) return
      this.#scheduled = true
      queueMicrotask(() => {
        this.#scheduled = false
        this.#pump()
      })
    })
  }

  #pump(): void {
    while (this.#waiting.length > 0 && (this.#calls === 0 || this.#waiting.length >= limits.batchEntries)) void this.#call(this.#take())
  }

  /** As many as one call takes. */
  #take(): readonly Waiting[] {
    let count = 0
    let bytes = 0
    for (const next of this.#waiting.slice(0, limits.batchEntries)) {
      bytes += next.bytes
      if (count > 0 && bytes > this.#maxBytes) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #call(batch: readonly Waiting[]): Promise<void> {
    this.#calls++
    const results = await this.#sender.send(
      batch.map(({ reply }) => reply),
      never,
    )
    this.#calls--
    // A sender answers for every message.
    for (const [index, { resolve }] of batch.entries()) resolve(results[index] as SendResult)
    this.#pump()
    if (this.#calls === 0) this.#onIdle()
  }
}
