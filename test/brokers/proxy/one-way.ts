import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What happens to bytes in one direction, for all connections together. Read anew for each piece. */
export interface Conditions {
  delayMs: number
  bytesPerSecond: number | undefined
  frozen: boolean
  /** Bytes until the connection that carries the last of them is cut. */
  budget: { bytes: number; readonly spent: () => void } | undefined
}

interface Item {
  readonly at: number
  readonly what: Buffer | 'end' | 'reset'
}

const maxQueuedBytes = 256 * 1024

/** Carries the bytes of one connection in one direction, in order, and last the way in which it ended. */
export class OneWay {
  readonly #from: Socket
  readonly #to: Socket
  readonly #conditions: Conditions
  readonly #cut: () => void
  readonly #queue: Item[] = []
  #queuedBytes = 0
  #stopped = false
  #wake = (): void => {}

  constructor(from: Socket, to: Socket, conditions: Conditions, cut: () => void) {
    this.#from = from
    this.#to = to
    this.#conditions = conditions
    this.#cut = cut
    from.on('data', (data) => this.#put(data))
    // Queued like data: an end that overtook a freeze would tell the other side what it must not know.
    // What follows the first of them is never looked at.
    from.once('end', () => this.#put('end'))
    from.once('error', () => this.#put('reset'))
    from.once('close', () => this.#put('end'))
    to.once('close', () => this.stop())
    this.wake()
    void this.#carry()
  }

  /** To be called when the conditions have changed. */
  wake(): void {
    const hold = !this.#stopped && (this.#conditions.frozen || this.#queuedBytes > maxQueuedBytes)
    if (hold) this.#from.pause()
    else this.#from.resume()
    this.#wake()
  }

  /** Forwards nothing more; what still arrives is thrown away. */
  stop(): void {
    this.#stopped = true
    this.#queue.length = 0
    this.wake()
  }

  #put(what: Item['what']): void {
    if (this.#stopped) return
    this.#queue.push({ at: performance.now(), what })
    if (typeof what !== 'string') this.#queuedBytes += what.length
    this.wake()
  }

  async #carry(): Promise<void> {
    while (!this.#stopped) {
      const item = this.#queue[0]
      if (item === undefined || this.#conditions.frozen) {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        continue
      }
      const waitMs = item.at + this.#conditions.delayMs - performance.now()
      if (waitMs > 0) {
        await sleep(waitMs)
        continue
      }
      this.#queue.shift()
      if (item.what === 'end') return void this.#to.end()
      if (item.what === 'reset') return void this.#to.resetAndDestroy()
      await this.#forward(item.what, item.at)
      this.wake()
    }
  }

  async #forward(data: Buffer, at: number): Promise<void> {
    const { bytesPerSecond = Infinity, budget } = this.#conditions
    const piece = data.subarray(0, Math.min(Math.ceil(bytesPerSecond / 20), budget?.bytes ?? Infinity, data.length))
    const rest = data.subarray(piece.length)
    if (rest.length > 0) this.#queue.unshift({ at, what: rest })
    this.#queuedBytes -= piece.length
    if (budget !== undefined) budget.bytes -= piece.length
    await new Promise<void>((resolve) => this.#to.write(piece, () => resolve()))
    if (budget !== undefined && budget.bytes <= 0) {
      if (this.#conditions.budget === budget) this.#conditions.budget = undefined
      this.#cut()
      budget.spent()
    }
    await sleep((piece.length / bytesPerSecond) * 1_000)
  }
}
