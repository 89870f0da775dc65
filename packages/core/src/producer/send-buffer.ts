import { ChurningMap } from '../churning-map.ts'
import { LinkedList, type Linked } from '../linked-list.ts'
import type { PendingSend } from './pending.ts'

/** The messages of one key, which has one call out, or all that have no lane of their own. */
export interface SendLane extends Linked<SendLane> {
  readonly key: string | undefined
  readonly waiting: LinkedList<PendingSend>
  /** Messages that are in a call. */
  out: number
  /** Messages that could go now; above 0 while the lane waits for its turn. */
  ready: number
}

/**
 * Messages that wait to be handed over, in the order of `send`. Where keys have lanes, a key has one call out: in strict order with one message of it, in
 * pipelined order with as many as it takes. O(1) per message whatever the number of keys; for one that comes back, O(calls that failed before).
 */
export class SendBuffer {
  /** Messages that could go out now, and those behind one of them that is not ready. */
  ready = 0
  /** Messages of a key that one call may hold; 0: keys have no lanes. */
  readonly #mostOfKey: number
  readonly #lanes: ChurningMap<SendLane> = new ChurningMap()
  readonly #others: SendLane = laneOf(undefined)
  /** Lanes with messages that could go now. */
  readonly #turns: LinkedList<SendLane> = new LinkedList()
  #places = 0

  constructor(mostOfKey: number) {
    this.#mostOfKey = mostOfKey
  }

  add(pending: PendingSend): void {
    const { key } = pending
    let lane = key === undefined || this.#mostOfKey === 0 ? this.#others : this.#lanes.get(key)
    if (!lane) this.#lanes.set(key as string, (lane = laneOf(key)))
    pending.lane = lane
    pending.place = this.#places++
    lane.waiting.add(pending)
    this.#update(lane)
  }

  /** Its body is ready now. */
  prepared({ lane }: PendingSend): void {
    if (lane) this.#update(lane)
  }

  /** Takes what may go into one call. In a lane, a message that is still preparing holds up those behind it. */
  take(maxMessages: number, maxBytes: number): PendingSend[] {
    const batch: PendingSend[] = []
    let bytes = 0
    for (let lane = this.#turns.first; lane; lane = this.#turns.first) {
      const { waiting, out, ready } = lane
      for (let next = waiting.first; next?.state === 'buffered' && lane.out - out < ready; next = waiting.first) {
        if (batch.length > 0 && (batch.length >= maxMessages || bytes + next.bytes > maxBytes)) break
        bytes += next.bytes
        waiting.remove(next)
        lane.out++
        batch.push(next)
      }
      this.#update(lane)
      if (lane.ready === 0) continue
      // There was no room for what it has. If it had a turn, others come before the next one.
      if (lane.out > out) {
        this.#turns.remove(lane)
        this.#turns.add(lane)
      }
      break
    }
    return batch
  }

  /** The message has its answer, or needs none any more: the next of its key may go. */
  finish(pending: PendingSend): void {
    const { lane } = pending
    if (!lane) return
    pending.lane = undefined
    if (!lane.waiting.remove(pending)) lane.out--
    this.#update(lane)
  }

  /** Messages of a failed call, in their order, wait again where they did: other calls may have failed before it. */
  putBack(pendings: readonly PendingSend[]): void {
    const behind = this.#turns.first
    let last: PendingSend | undefined
    for (const pending of pendings) {
      const { lane } = pending
      // Its caller may have given it up meanwhile.
      if (!lane) continue
      let next = last?.lane === lane ? last.next : lane.waiting.first
      while (next && next.place < pending.place) next = next.next
      lane.out--
      lane.waiting.add(pending, next)
      this.#update(lane, behind)
      last = pending
    }
  }

  /** The messages behind `pending` in its lane. In pipelined order none have to fail with it: their order was not promised. */
  following(pending: PendingSend): PendingSend[] {
    const { lane } = pending
    const following: PendingSend[] = []
    if (!lane || lane === this.#others || this.#mostOfKey > 1) return following
    for (let next = lane.waiting.has(pending) ? pending.next : lane.waiting.first; next; next = next.next) following.push(next)
    return following
  }

  /** After every change of a lane: with how many messages it waits for its turn, if it does. A newcomer comes before `behind`. */
  #update(lane: SendLane, behind?: SendLane): void {
    const { key, waiting, out, ready } = lane
    const most = key === undefined ? waiting.size : out > 0 ? 0 : Math.min(waiting.size, this.#mostOfKey)
    lane.ready = waiting.first?.state === 'buffered' ? most : 0
    this.ready += lane.ready - ready
    if (ready === 0 && lane.ready > 0) this.#turns.add(lane, behind)
    if (ready > 0 && lane.ready === 0) this.#turns.remove(lane)
    if (key !== undefined && waiting.size + out === 0) this.#lanes.delete(key)
  }
}

function laneOf(key: string | undefined): SendLane {
  return { key, waiting: new LinkedList(), out: 0, ready: 0, before: undefined, next: undefined }
}
