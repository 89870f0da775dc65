import { ChurningMap } from '@busbar/core/driver'
import { Heap } from '../collections/heap.ts'
import { Ring } from '../collections/ring.ts'
import type { Admit, Backlog } from './backlog.ts'
import { KeyState } from './key-state.ts'
import type { Port } from './port.ts'
import type { Stored } from './stored.ts'

export interface OrderedBacklogOptions {
  /** `held`: what a key can deliver is its visible prefix. `pipelined`: later messages go to whoever holds the earlier ones. `none`: keys mean nothing. */
  readonly keys: 'held' | 'pipelined' | 'none'
  /** Where a message without a key goes that is given back: to its own place, or in front of all in the order in which they came back. */
  readonly requeue: 'place' | 'return-order'
  readonly priorities: number
  /** Standard queues: pick from so many at the front by `random` instead of the first. 1 is strict. */
  readonly disorder: number
  readonly random: () => number
}

/**
 * Messages by priority and arrival. For each key with messages in flight: what can be delivered is the longest prefix of its undeleted messages that is visible
 * now, so nothing while the first is in flight or delayed. What is passed over waits with its key, so that the cost of a delivery depends neither on the
 * backlog nor on the number of keys.
 */
export class OrderedBacklog implements Backlog {
  readonly placesDelayed = false
  readonly #options: OrderedBacklogOptions
  readonly #admit: Admit
  /** By priority; index 0 is the lowest. */
  readonly #lanes: Ring<Stored>[] = []
  /** Without keys, given back. */
  readonly #returned = new Heap<Stored>()
  readonly #keys = new ChurningMap<KeyState>()
  /** Keys whose first message is there again, or is there now. */
  readonly #served = new Ring<KeyState>()
  #orders = 0
  #returns = 0
  #turn = 0

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
    this.#turn++
    const room = { port, max, taken }
    if (!this.#takeKeys(room) || !this.#takeReturned(room)) return
    for (let priority = this.#lanes.length - 1; priority >= 0; priority--) {
      const lane = this.#lanes[priority] as Ring<Stored>
      if (lane.length > 0 && !this.#takeLane(lane, room)) return
    }
  }

  gone(message: Stored): void {
    const state = message.keyState
    if (state === undefined) return
    state.live--
    this.#list(state)
  }

  left(message: Stored): void {
    if (message.keyState !== undefined) message.keyState.inFlight--
  }

  returned(message: Stored): void {
    if (message.keyState !== undefined) this.#list(message.keyState)
    else if (message.state === 'ready') this.#putBack(message)
  }

  reclaimed(message: Stored): void {
    if (message.keyState === undefined) this.#returned.remove(message)
    else message.keyState.inFlight++
  }

  due(message: Stored): void {
    if (message.keyState !== undefined) this.#list(message.keyState)
    else if (message.order === 0) this.add(message)
    else this.#putBack(message)
  }

  browse(after: number, limit: number): Stored[] {
    const found: Stored[] = []
    for (const message of this.#displaced()) if (message.order > after) found.push(message)
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
    for (const message of this.#displaced()) oldest = Math.min(oldest, message.enqueuedAt)
    for (const lane of this.#lanes) {
      while (lane.peek()?.state === 'gone') lane.shift()
      oldest = Math.min(oldest, lane.peek()?.enqueuedAt ?? Infinity)
    }
    return oldest
  }

  // Each of the following answers `false` when the port is full: then nothing further may overtake.

  #takeKeys(room: Room): boolean {
    for (let state = this.#served.peek(); state !== undefined; state = this.#served.peek()) {
      if (!this.#takePrefix(state, room)) return false
      this.#served.shift()
      state.listed = false
      this.#list(state)
    }
    return true
  }

  #takePrefix(state: KeyState, room: Room): boolean {
    state.first()
    for (let index = 0; index < state.length; index++) {
      const message = state.at(index)
      if (message.state === 'gone') continue
      if (message.state !== 'ready') return true
      if (!fits(message, room)) return false
      if (this.#admit(message)) this.#takeOfKey(message, state, room)
    }
    return true
  }

  #takeReturned(room: Room): boolean {
    for (let message = this.#returned.peek(); message !== undefined; message = this.#returned.peek()) {
      if (message.state === 'ready' && !fits(message, room)) return false
      this.#returned.pop()
      if (this.#admit(message)) take(message, room)
    }
    return true
  }

  #takeLane(lane: Ring<Stored>, room: Room): boolean {
    const { keys, disorder } = this.#options
    for (;;) {
      if (disorder > 1) this.#shuffleFront(lane)
      const message = lane.peek()
      if (message === undefined) return true
      if (message.state !== 'gone' && !fits(message, room)) return false
      lane.shift()
      if (!this.#admit(message)) continue
      if (keys === 'none' || message.incoming.key === undefined) take(message, room)
      else this.#takeFirstTime(message, message.incoming.key, room)
    }
  }

  /** Takes a message that has just left its lane, or leaves it behind the older ones of its key. */
  #takeFirstTime(message: Stored, key: string, room: Room): void {
    let state = this.#keys.get(key)
    if (state === undefined) this.#keys.set(key, (state = new KeyState(key)))
    const ahead = this.#options.keys === 'pipelined' ? (state.owner === room.port ? state.inFlight : 0) : state.turn === this.#turn ? state.taken : 0
    const first = state.live === ahead
    state.push(message)
    if (first) this.#takeOfKey(message, state, room)
  }

  #takeOfKey(message: Stored, state: KeyState, room: Room): void {
    if (state.turn !== this.#turn) {
      state.turn = this.#turn
      state.taken = 0
    }
    state.taken++
    state.inFlight++
    state.owner = room.port
    take(message, room)
  }

  /** Queues a key to be served if its first message is ready, and forgets it if nothing of it is left. */
  #list(state: KeyState): void {
    if (state.listed) return
    if (state.live === 0) this.#keys.delete(state.key)
    else if (state.first()?.state === 'ready') {
      state.listed = true
      this.#served.push(state)
    }
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

  /** Messages outside their lanes that are not in flight. */
  *#displaced(): Generator<Stored, void, undefined> {
    for (const message of this.#returned) if (message.state === 'ready') yield message
    for (const state of this.#keys.values()) {
      for (let index = 0; index < state.length; index++) {
        const message = state.at(index)
        if (message.state === 'ready' || message.state === 'delayed') yield message
      }
    }
  }
}

interface Room {
  readonly port: Port
  readonly max: number
  readonly taken: Stored[]
}

function fits(message: Stored, { port, max, taken }: Room): boolean {
  return taken.length < max && port.fits(message.incoming.bodyBytes, taken.length)
}

function take(message: Stored, { port, taken }: Room): void {
  message.state = 'flight'
  port.heldBytes += message.incoming.bodyBytes
  taken.push(message)
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
