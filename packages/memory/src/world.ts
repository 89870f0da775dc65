import type { Clock } from '@busbar/core/driver'
import type { BrokerEvent } from './events.ts'
import type { Faults } from './faults/faults.ts'

/** What everything in one memory broker shares: time, chance, ids, faults and who watches. */
export class World {
  readonly random: () => number
  /** Watches what happens at the broker; `undefined` costs nothing. */
  observer: ((event: BrokerEvent) => void) | undefined = undefined
  faults: Faults | undefined = undefined
  readonly #physicalNames: (name: string) => readonly string[]
  #clock: Clock | undefined
  #ids = 0

  constructor(clock: Clock | undefined, random: () => number, physicalNames: (name: string) => readonly string[]) {
    this.#clock = clock
    this.#physicalNames = physicalNames
    this.random = random
  }

  get clock(): Clock {
    if (this.#clock === undefined) throw new TypeError('The memory broker has no clock yet: pass one to memory({ clock }) or connect first')
    return this.#clock
  }

  /** Everything in the broker runs on one clock: the one given to `memory()`, else that of the first link. */
  useClock(clock: Clock): void {
    this.#clock ??= clock
  }

  /** Is `place` what a program calls `name`? Physical names can differ: `orders` is `orders.fifo`. */
  isPlace(name: string, place: string): boolean {
    return name === place || this.#physicalNames(name).includes(place)
  }

  nextId(): number {
    return ++this.#ids
  }
}
