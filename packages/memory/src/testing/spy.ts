import type { Incoming } from '@busbar/core/driver'
import type { BrokerEvent, BrokerEventKind } from '../events.ts'
import type { World } from '../world.ts'

/** Which message is meant: its id, or a test of it. Default: any. */
export type MessageMatch = string | ((message: Incoming) => boolean)

/** Watches one place from the moment it is made. Every method resolves with the first match, past or to come; none times out by itself. */
export interface Spy {
  /** Events seen so far, oldest first. */
  readonly events: readonly BrokerEvent[]
  /** The broker has stored a message. */
  sent(match?: MessageMatch): Promise<Incoming>
  delivered(match?: MessageMatch): Promise<Incoming>
  /** A message was acked, or moved to a dead-letter queue by the broker. */
  settled(match?: MessageMatch): Promise<Incoming>
  /** Any kind of event. */
  saw(kind: BrokerEventKind, match?: MessageMatch): Promise<Incoming>
  /** Forgets what it has seen. */
  clear(): void
  /** Stops watching. */
  close(): void
}

/** All observers of one broker: they cost nothing while there are none. */
export class Spies {
  readonly #world: World
  readonly #observers = new Set<(event: BrokerEvent) => void>()

  constructor(world: World) {
    this.#world = world
  }

  on(place: string): Spy {
    return new PlaceSpy(
      (event) => this.#world.isPlace(place, event.place),
      (observer) => this.observe(observer),
    )
  }

  observe(observer: (event: BrokerEvent) => void): () => void {
    this.#observers.add(observer)
    this.#world.observer = (event) => {
      for (const each of this.#observers) each(event)
    }
    return () => {
      this.#observers.delete(observer)
      if (this.#observers.size === 0) this.#world.observer = undefined
    }
  }
}

interface Wait {
  readonly kinds: readonly BrokerEventKind[]
  readonly match: MessageMatch | undefined
  readonly found: (message: Incoming) => void
}

class PlaceSpy implements Spy {
  readonly #isHere: (event: BrokerEvent) => boolean
  readonly #stop: () => void
  #events: BrokerEvent[] = []
  #waits: Wait[] = []

  constructor(isHere: (event: BrokerEvent) => boolean, observe: (observer: (event: BrokerEvent) => void) => () => void) {
    this.#isHere = isHere
    this.#stop = observe((event) => this.#see(event))
  }

  get events(): readonly BrokerEvent[] {
    return this.#events
  }

  sent(match?: MessageMatch): Promise<Incoming> {
    return this.#wait(['stored'], match)
  }

  delivered(match?: MessageMatch): Promise<Incoming> {
    return this.#wait(['delivered'], match)
  }

  settled(match?: MessageMatch): Promise<Incoming> {
    return this.#wait(['acked', 'dead-lettered'], match)
  }

  saw(kind: BrokerEventKind, match?: MessageMatch): Promise<Incoming> {
    return this.#wait([kind], match)
  }

  clear(): void {
    this.#events = []
  }

  close(): void {
    this.#stop()
  }

  #see(event: BrokerEvent): void {
    if (!this.#isHere(event)) return
    this.#events.push(event)
    const met = this.#waits.filter((wait) => matches(event, wait.kinds, wait.match))
    if (met.length === 0) return
    this.#waits = this.#waits.filter((wait) => !met.includes(wait))
    for (const wait of met) wait.found(event.message as Incoming)
  }

  #wait(kinds: readonly BrokerEventKind[], match: MessageMatch | undefined): Promise<Incoming> {
    const seen = this.#events.find((event) => matches(event, kinds, match))
    if (seen !== undefined) return Promise.resolve(seen.message as Incoming)
    return new Promise((found) => this.#waits.push({ kinds, match, found }))
  }
}

function matches(event: BrokerEvent, kinds: readonly BrokerEventKind[], match: MessageMatch | undefined): boolean {
  if (!kinds.includes(event.kind) || event.message === undefined) return false
  if (match === undefined) return true
  return typeof match === 'string' ? event.message.id === match : match(event.message)
}
