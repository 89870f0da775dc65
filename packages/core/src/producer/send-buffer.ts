import { ChurningMap } from '../churning-map.ts'
import { Fifo } from '../fifo.ts'
import type { PendingSend } from './pending.ts'

/** The unsent and unanswered messages of one key, in order; `head` is ready, preparing or out. */
interface SendLane {
  head: PendingSend
  tail: PendingSend
}

/** Fewest messages that were dropped while they waited here before they are cleared away. */
const slack = 1_024

/**
 * Messages that wait to be handed over, in the order of `send`. In strict order a key has one message ready or out, the others wait in its lane;
 * O(1) per message whatever the number of keys.
 */
export class SendBuffer {
  readonly #strict: boolean
  readonly #ready: Fifo<PendingSend> = new Fifo()
  readonly #lanes: ChurningMap<SendLane> = new ChurningMap()
  /** Since they were last cleared away. */
  #dropped = 0
  #sweepAt: number = slack

  constructor(strict: boolean) {
    this.#strict = strict
  }

  /** Messages that could go out now; some may have been settled meanwhile. */
  get ready(): number {
    return this.#ready.size
  }

  add(pending: PendingSend): void {
    const { key } = pending
    if (key === undefined || !this.#strict) {
      this.#ready.push(pending)
      return
    }
    const lane = this.#lanes.get(key)
    if (lane) {
      lane.tail.next = pending
      lane.tail = pending
    } else {
      this.#lanes.set(key, { head: pending, tail: pending })
      if (pending.state !== 'preparing') this.#ready.push(pending)
    }
  }

  /** Its body is ready now. */
  prepared(pending: PendingSend): void {
    if (!this.#strict || pending.key === undefined) return
    if (this.#lanes.get(pending.key)?.head === pending) this.#ready.push(pending)
  }

  /** Takes what may go into one request. Without strict order a message that is still preparing holds up those behind it. */
  take(maxMessages: number, maxBytes: number): PendingSend[] {
    const batch: PendingSend[] = []
    let bytes = 0
    for (let next = this.#ready.peek(); next && batch.length < maxMessages; next = this.#ready.peek()) {
      if (next.state === 'settled') {
        this.#ready.shift()
        this.finish(next)
        continue
      }
      if (next.state === 'preparing') break
      if (batch.length > 0 && bytes + next.bytes > maxBytes) break
      bytes += next.bytes
      this.#ready.shift()
      batch.push(next)
    }
    return batch
  }

  /** The message has its answer: the next of its key may go. */
  finish(pending: PendingSend): void {
    if (pending.key === undefined || !this.#strict) return
    const lane = this.#lanes.get(pending.key)
    if (lane?.head !== pending) return
    let next = pending.next
    pending.next = undefined
    while (next?.state === 'settled') next = next.next
    if (!next) {
      this.#lanes.delete(pending.key)
      return
    }
    lane.head = next
    if (next.state === 'buffered') this.#ready.push(next)
  }

  /** {@link finish} for a message that may still wait here. It is passed over when its turn comes, or cleared away with others: during an outage no turn comes. */
  drop(pending: PendingSend): void {
    this.finish(pending)
    if (++this.#dropped >= this.#sweepAt) this.#sweep()
  }

  #sweep(): void {
    for (const pending of this.#ready.takeAll()) if (pending.state !== 'settled') this.#ready.push(pending)
    let left = this.ready
    for (const lane of this.#lanes.values()) left += shorten(lane)
    this.#dropped = 0
    this.#sweepAt = Math.max(slack, left)
  }

  /** Puts messages of a failed request back in front, in their order. */
  putBack(pendings: readonly PendingSend[]): void {
    this.#ready.unshiftAll(pendings)
  }

  /** The unsettled messages behind `pending` in its lane. In pipelined order there are none: they may be out already. */
  following(pending: PendingSend): PendingSend[] {
    const following: PendingSend[] = []
    for (let next = pending.next; next; next = next.next) if (next.state !== 'settled') following.push(next)
    return following
  }
}

/** Takes out what is settled behind the head. Returns how many messages remain there. */
function shorten(lane: SendLane): number {
  let left = 0
  let last = lane.head
  for (let next = last.next; next; next = next.next) {
    if (next.state === 'settled') continue
    last.next = next
    last = next
    left++
  }
  last.next = undefined
  lane.tail = last
  return left
}
