import type { Outgoing } from '../driver/sender.ts'
import type { BrokerError } from '../errors.ts'
import type { Linked } from '../linked-list.ts'
import type { SendLane } from './send-buffer.ts'

/**
 * `preparing`: its place in the order is taken, its body is not ready (asynchronous validation or middleware).
 * `buffered`: ready to go. `out`: in a request. `settled`: its promise has an answer (its request may still be open).
 */
export type PendingState = 'preparing' | 'buffered' | 'out' | 'settled'

/** Who is told how a send ended. Exactly one of the two is called, once. */
export interface SendObserver {
  sent(pending: PendingSend, position: string | undefined): void
  failed(pending: Pick<PendingSend, 'index'>, error: BrokerError | Error, stored: 'no' | 'unknown'): void
}

/** One message between `send` and its answer. */
export class PendingSend implements Linked<PendingSend> {
  outgoing: Outgoing
  /** Replaced while middleware stands between the message and its sender. */
  observer: SendObserver
  /** Index in the observer's batch. */
  readonly index: number
  readonly key: string | undefined
  /** Monotonic milliseconds. */
  readonly deadline: number
  state: PendingState
  bytes = 0
  listIndex = -1
  /** Was part of a request whose answer never came: it may be stored. */
  handedOver = false
  /** Until it has its answer. */
  lane: SendLane | undefined
  /** In the order of all messages. */
  place = 0
  /** Its neighbours in the lane, while it waits there. */
  before: PendingSend | undefined
  next: PendingSend | undefined
  /** Called once when it is settled. */
  onSettled: (() => void) | undefined

  constructor(outgoing: Outgoing, observer: SendObserver, index: number, deadline: number, prepared: boolean) {
    this.outgoing = outgoing
    this.observer = observer
    this.index = index
    this.key = outgoing.key
    this.deadline = deadline
    this.state = prepared ? 'buffered' : 'preparing'
  }
}
