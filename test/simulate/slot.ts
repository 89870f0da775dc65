import type { Process } from './process.ts'
import type { World } from './world.ts'

export interface SlotOptions {
  readonly world: World
  readonly start: () => Process
  /** Called with every process that takes its place. */
  readonly onUp: (process: Process) => void
}

/** A place for one process of the program: when the process has crashed, or was drained in the middle, another takes its place. */
export class Slot {
  process: Process
  readonly #options: SlotOptions
  #wanted = true

  constructor(options: SlotOptions) {
    this.#options = options
    this.process = options.start()
    void this.#keepUp()
  }

  /** The process that lives here now; `undefined` while there is none. */
  get living(): Process | undefined {
    return this.process.alive && !this.process.ending ? this.process : undefined
  }

  /** Drains the process, and lets no other take its place. Was it drained, or not there? */
  async end(): Promise<boolean> {
    this.#wanted = false
    await this.process.drain()
    return this.process.drained
  }

  /** After `end`. */
  beginAgain(): void {
    this.#wanted = true
    this.process = this.#options.start()
    void this.#keepUp()
  }

  async #keepUp(): Promise<void> {
    const { world, start, onUp } = this.#options
    for (;;) {
      onUp(this.process)
      await this.process.gone
      await world.sleep(world.random() * 3_000)
      if (!this.#wanted) return
      this.process = start()
    }
  }
}
