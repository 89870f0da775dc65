import type { Handle } from './subject.ts'

/** Runs so many handlers at once, and keeps the bodies that wait for a place: what a program does whose client takes more than is handled. */
export class Limited {
  readonly #handle: Handle
  readonly #most: number
  readonly #waiting: (string | Uint8Array)[] = []
  #next = 0
  #begun = 0
  #running = 0
  #idle: PromiseWithResolvers<void> | undefined

  constructor(handle: Handle, most: number) {
    this.#handle = handle
    this.#most = most
  }

  get waiting(): number {
    return this.#waiting.length - this.#next
  }

  /** Handlers that have begun, those that have ended included. Bodies are begun in the order in which they were added. */
  get begun(): number {
    return this.#begun
  }

  add(body: string | Uint8Array): void {
    if (this.#running < this.#most) this.#run(body)
    else this.#waiting.push(body)
  }

  /** Forgets what waits; resolves when no handler runs. */
  async end(): Promise<void> {
    this.#waiting.length = this.#next
    if (this.#running === 0) return
    this.#idle = Promise.withResolvers()
    await this.#idle.promise
  }

  #run(body: string | Uint8Array): void {
    this.#begun++
    const handled = this.#handle(body)
    if (handled === undefined) return
    this.#running++
    void handled.then(() => {
      this.#running--
      if (this.waiting > 0) this.#run(this.#take())
      else if (this.#running === 0) this.#idle?.resolve()
    })
  }

  #take(): string | Uint8Array {
    const body = this.#waiting[this.#next++] as string | Uint8Array
    if (this.#next === this.#waiting.length) {
      this.#waiting.length = 0
      this.#next = 0
    }
    return body
  }
}
