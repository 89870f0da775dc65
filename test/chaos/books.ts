import { Checker } from './checker.ts'
import type { HistoryEvent } from './history.ts'
import { readId } from './message-id.ts'
import { RecoveryWatch } from './recovery.ts'
import { Tail } from './tail.ts'

/** Reads the histories of a run while they are written, for the checker and for those who wait for something. */
export class Books {
  readonly checker: Checker = new Checker()
  readonly recovery: RecoveryWatch = new RecoveryWatch()
  readonly #tails = new Map<string, Tail>()
  /** Messages given to `send`, by producer and key. */
  readonly #given = new Map<string, Map<string, number>>()
  readonly #notes = new Map<string, number>()
  #reading: Promise<void> = Promise.resolve()
  #handled = 0
  #faults = 0

  /** Effects so far. */
  get handled(): number {
    return this.#handled
  }

  /** Faults that have struck. */
  get faults(): number {
    return this.#faults
  }

  /** Warnings of the product, by event. */
  get notes(): ReadonlyMap<string, number> {
    return this.#notes
  }

  open(name: string, path: string): void {
    this.#tails.set(name, new Tail(path))
  }

  /** May be called while it runs: the calls take turns. */
  read(): Promise<void> {
    this.#reading = this.#reading.then(async () => {
      for (const [name, tail] of this.#tails) await tail.read((event) => this.#take(name, event))
    })
    return this.#reading
  }

  /** Messages that a producer has given to `send`. */
  given(producer: string): number {
    return [...(this.#given.get(producer)?.values() ?? [])].reduce((sum, count) => sum + count, 0)
  }

  async close(): Promise<void> {
    for (const tail of this.#tails.values()) await tail.close()
  }

  #take(name: string, event: HistoryEvent): void {
    this.checker.add(name, event)
    this.recovery.add(event)
    if (event.kind === 'sending') this.#give(event.what)
    else if (event.kind === 'effect') this.#handled++
    else if (event.kind === 'fault') this.#faults++
    else if (event.kind === 'note') this.#notes.set(event.what, (this.#notes.get(event.what) ?? 0) + 1)
  }

  #give(id: string): void {
    const { producer, key, number } = readId(id)
    let keys = this.#given.get(producer)
    if (keys === undefined) this.#given.set(producer, (keys = new Map()))
    keys.set(key, Math.max(keys.get(key) ?? 0, number + 1))
  }
}
