import type { Sample } from './sample.ts'

/** Counts finished messages: the first `warmup` are not measured, the next `messages` are, and the time between `pause` and `resume` is not. */
export class Meter {
  readonly total: number
  /** Resolves with the measurement at the last message. */
  readonly done: Promise<Sample>
  readonly #warmup: number
  readonly #messages: number
  readonly #resolve: (sample: Sample) => void
  readonly #collecting: boolean
  #count = 0
  #beganAt = 0
  #beganCpu: NodeJS.CpuUsage = { user: 0, system: 0 }
  #seconds = 0
  #cpuMicros = 0

  /** `collecting`: garbage is collected before the measurement. Default true; not where the pause would count. */
  constructor(warmup: number, messages: number, { collecting = true }: { readonly collecting?: boolean } = {}) {
    const { promise, resolve } = Promise.withResolvers<Sample>()
    this.done = promise
    this.#resolve = resolve
    this.#warmup = warmup
    this.#messages = messages
    this.#collecting = collecting
    this.total = warmup + messages
  }

  get count(): number {
    return this.#count
  }

  /** One more message is finished. */
  tick(): void {
    const count = ++this.#count
    if (count === this.#warmup) this.#begin()
    else if (count === this.total) this.#end()
  }

  pause(): void {
    this.#seconds += (performance.now() - this.#beganAt) / 1000
    const { user, system } = process.cpuUsage(this.#beganCpu)
    this.#cpuMicros += user + system
  }

  resume(): void {
    this.#beganCpu = process.cpuUsage()
    this.#beganAt = performance.now()
  }

  #begin(): void {
    if (this.#collecting) collectGarbage()
    this.resume()
  }

  #end(): void {
    this.pause()
    this.#resolve({ messages: this.#messages, seconds: this.#seconds, cpuMicros: this.#cpuMicros })
  }
}

/** So that nobody pays for what was left behind before. */
export function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('Run it with node --expose-gc.')
  globalThis.gc()
}

export function heapBytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}
