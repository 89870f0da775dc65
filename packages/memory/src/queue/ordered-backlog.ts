import { Heap } from '../collections/heap.ts'
import { Ring } from '../collections/ring.ts'
import type { Admit, Backlog } from './backlog.ts'
import { KeyState } from './key-state.ts'
import type { Port } from './port.ts'
import type { Stored } from './stored.ts'

export interface OrderedBacklogOptions {
  /** Keep messages of one key in order and with one receiver. Otherwise keys mean nothing. */
  readonly keys: boolean
  /** Where a message goes that is given back: to its own place, or in front of all in the order in which they came back. */
  readonly requeue: 'place' | 'return-order'
  readonly priorities: number
  /** Standard queues: pick from so many at the front by `random` instead of the first. 1 is strict. */
  readonly disorder: number
  readonly random: () => number
}

/**
 * Messages by priority and arrival. A message with a key may go only to the receiver that holds earlier ones of that key, and not while an earlier one waits
 * here: that one then goes first. What is passed over waits with its key, so the cost of a delivery does not depend on the backlog or the number of keys.
 */
export class OrderedBacklog implements Backlog {
  readonly placesDelayed = false
  readonly #options: OrderedBacklogOptions
  readonly #admit: Admit
  /** By priority; index 0 is the lowest. */
  readonly #lanes: Ring<Stored>[] = []
  readonly #returned = new Heap<Stored>()
  readonly #keys = new Map<string, KeyState>()
  /** Keys kept back earlier that any receiver may now be served. */
  readonly #resumed = new Ring<KeyState>()
  /** The message whose turn it is doesn't fit into the window: nothing may overtake it. */
  #full = false
  #orders = 0
  #returns = 0

  constructor(options: OrderedBacklogOptions, admit: Admit) {
    this.#options = options
    this.#admit = admit
    for (let priority = 0; priority < options.priorities; priority++) this.#lanes.push(new Ring<Stored>())
  }

  add(message: Stored): void {
    message.order = ++this.#orders
    const lane = this.#lanes[message.priority] ?? this.#lanes.at(-1)
    lane?.push(message)
  }

  take(port: Port, max: number, taken: Stored[]): void {
    const before = taken.length
    this.#full = false
    while (taken.length < max) {
      const message = this.#next(port, taken.length - before)
      if (message === undefined) return
      message.state = 'flight'
      port.heldBytes += message.incoming.bodyBytes
      taken.push(message)
    }
  }

  settled(message: Stored): void {
    const state = message.keyState
    if (state === undefined) return
    message.keyState = undefined
    state.inFlight--
    this.#freed(state)
  }

  returned(message: Stored): void {
    const state = message.keyState
    if (state !== undefined) {
      state.inFlight--
      state.giveBack(message)
      this.#freed(state)
    } else if (message.state === 'ready') this.#putBack(message)
  }

  due(message: Stored): void {
    if (message.keyState !== undefined) this.#list(message.keyState)
    else if (message.order === 0) this.add(message)
    else this.#putBack(message)
  }

  closed(port: Port): void {
    for (let state = port.resumed.shift(); state !== undefined; state = port.resumed.shift()) {
      if (state.list !== port.resumed) continue
      state.list = undefined
      this.#list(state)
    }
  }

  browse(after: number, limit: number): Stored[] {
    const found: Stored[] = []
    for (const message of this.#displaced()) if (message.order > after && message.state !== 'gone') found.push(message)
    for (const lane of this.#lanes) {
      let left = limit
      for (let index = firstAfter(lane, after); index < lane.length && left > 0; index++) {
        const message = lane.at(index)
        if (message.state !== 'ready') continue
        found.push(message)
        left--
      }
    }
    return found
  }

  oldest(): number {
    let oldest = Infinity
    for (const message of this.#displaced()) if (message.state !== 'gone') oldest = Math.min(oldest, message.enqueuedAt)
    for (const lane of this.#lanes) {
      while (lane.peek()?.state === 'gone') lane.shift()
      oldest = Math.min(oldest, lane.peek()?.enqueuedAt ?? Infinity)
    }
    return oldest
  }

  #next(port: Port, taken: number): Stored | undefined {
    const kept = this.#nextResumed(port.resumed, port, taken) ?? (this.#full ? undefined : this.#nextResumed(this.#resumed, port, taken))
    if (kept !== undefined || this.#full) return kept
    for (let message = this.#returned.peek(); message !== undefined; message = this.#returned.peek()) {
      if (message.state === 'ready' && !port.fits(message.incoming.bodyBytes, taken)) return undefined
      this.#returned.pop()
      if (this.#admit(message)) return message
    }
    for (let priority = this.#lanes.length - 1; priority >= 0; priority--) {
      const lane = this.#lanes[priority] as Ring<Stored>
      if (lane.length === 0) continue
      const message = this.#nextInLane(lane, port, taken)
      if (message !== undefined) return message
      if (lane.length > 0) return undefined
    }
    return undefined
  }

  #nextInLane(lane: Ring<Stored>, port: Port, taken: number): Stored | undefined {
    for (;;) {
      if (this.#options.disorder > 1) this.#shuffleFront(lane)
      const message = lane.peek()
      if (message === undefined) return undefined
      if (message.state === 'gone') {
        lane.shift()
        continue
      }
      if (!port.fits(message.incoming.bodyBytes, taken)) return undefined
      lane.shift()
      if (!this.#admit(message)) continue
      if (!this.#options.keys || message.incoming.key === undefined || this.#claimKey(message, message.incoming.key, port)) return message
    }
  }

  /** Lets `port` have a message from a lane, or puts it behind the older ones of its key. */
  #claimKey(message: Stored, key: string, port: Port): boolean {
    let state = this.#keys.get(key)
    if (state === undefined) this.#keys.set(key, (state = new KeyState(key)))
    message.keyState = state
    if (state.head() === undefined && (state.owner === undefined || state.owner === port)) {
      state.owner = port
      state.inFlight++
      return true
    }
    state.wait(message)
    this.#list(state)
    return false
  }

  #nextResumed(states: Ring<KeyState>, port: Port, taken: number): Stored | undefined {
    for (let state = states.peek(); state !== undefined; state = states.peek()) {
      if (state.list !== states) {
        states.shift()
        continue
      }
      const message = state.head()
      if (message !== undefined && state.serves(port)) {
        if (!port.fits(message.incoming.bodyBytes, taken)) {
          this.#full = true
          return undefined
        }
        state.shift()
        if (!this.#admit(message)) continue
        state.owner = port
        state.inFlight++
        return message
      }
      states.shift()
      state.list = undefined
      // Served in part, it may have become another receiver's; emptied by expiry, it goes.
      this.#list(state)
    }
    return undefined
  }

  #freed(state: KeyState): void {
    if (state.inFlight === 0) {
      state.owner = undefined
      // Whatever list of its owner it was in: any receiver may be served now.
      if (state.list !== this.#resumed) state.list = undefined
    }
    this.#list(state)
  }

  /** Queues a key to be served if its head is ready, and forgets it if nothing of it is left. */
  #list(state: KeyState): void {
    if (state.list !== undefined) return
    const head = state.head()
    if (head === undefined && state.inFlight === 0) this.#keys.delete(state.key)
    if (head?.state !== 'ready') return
    state.list = state.owner === undefined ? this.#resumed : state.owner.resumed
    state.list.push(state)
  }

  #putBack(message: Stored): void {
    message.rank = this.#options.requeue === 'place' ? message.order : ++this.#returns
    this.#returned.push(message)
  }

  #shuffleFront(lane: Ring<Stored>): void {
    const chosen = Math.floor(this.#options.random() * Math.min(lane.length, this.#options.disorder))
    if (chosen === 0) return
    const message = lane.at(chosen)
    lane.set(chosen, lane.at(0))
    lane.set(0, message)
  }

  *#displaced(): Generator<Stored, void, undefined> {
    yield* this.#returned
    for (const state of this.#keys.values()) yield* state
  }
}

/** Index of the first message whose order is above `after`; the lane is sorted by order. */
function firstAfter(lane: Ring<Stored>, after: number): number {
  let low = 0
  let high = lane.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (lane.at(middle).order > after) high = middle
    else low = middle + 1
  }
  return low
}
