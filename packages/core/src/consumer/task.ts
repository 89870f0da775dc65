import type { Delivery } from '../driver/receiver.ts'
import type { Directive } from '../outcome.ts'
import type { Linked } from '../linked-list.ts'
import type { Lane } from './lanes.ts'
import type { Run } from './run.ts'

/**
 * `queued`: waits for its lane or for a slot. `running`: a handler has it. `waiting`: for a retry in process.
 * `settling`: an outcome is decided and on its way. `ended`: nothing of it is left, or its scope was lost before it started.
 */
export type Phase = 'queued' | 'running' | 'waiting' | 'settling' | 'ended'

/** What is remembered of a message that goes back: a redelivery is a new task. */
export type Past = Pick<Task, 'attempt' | 'notBefore' | 'previousWaitMs' | 'givenUp'>

/** One message held by a consumer, from delivery to settlement. A redelivery that is adopted replaces `delivery`. */
export class Task implements Linked<Task> {
  delivery: Delivery
  /** Monotonic milliseconds of the receipt; bounds how long the lease can be extended. */
  receivedAt: number
  /** Handler starts so far, those before this delivery included. */
  attempt: number
  phase: Phase = 'queued'
  /** The receipt is dead: settling would be too late. Only running tasks, and those that are being settled, stay around in this state, to adopt a redelivery. */
  lost = false
  /** Why it was given up, where its copy fitted nowhere: it comes until the broker's limit ends it, and is not handled any more. */
  givenUp: Directive | undefined
  /** A copy of it is at the dead-letter place. */
  deadLettered = false
  /** Its lease is being renewed. */
  renewing = false
  /** It is on its way back to the broker: a redelivery is a new task. */
  givenBack = false
  /** Place in the consumer's list of held tasks; −1 when it isn't held. */
  listIndex = -1
  lane: Lane | undefined
  /** Its neighbours, while it is queued. */
  before: Task | undefined
  next: Task | undefined
  run: Run | undefined
  /** While it waits for a retry: when that is due, in monotonic milliseconds. */
  waitsUntil = 0
  /** Monotonic milliseconds before which it is not started again, though it went back and has come anew. 0: any time. */
  notBefore: number
  /** Milliseconds that the last retry which counted has asked for; `undefined` until there is one. */
  previousWaitMs: number | undefined
  /** Why its attempts are used up, where it is tried until it succeeds. */
  blocked: Directive | undefined
  /** An operator wants it given up when it fails next, for this reason. */
  skipped: string | undefined
  /** Wall-clock milliseconds of the first failed start; for the dead-letter header. */
  firstFailureAt: number | undefined

  constructor(delivery: Delivery, receivedAt: number, past?: Past) {
    this.delivery = delivery
    this.receivedAt = receivedAt
    this.attempt = Math.max(delivery.incoming.attempt, past?.attempt ?? 0)
    this.notBefore = past?.notBefore ?? 0
    this.previousWaitMs = past?.previousWaitMs
    this.givenUp = past?.givenUp
  }

  get key(): string | undefined {
    return this.delivery.incoming.key
  }

  /**
   * Its dead letter may be redriven already, and looks like it where the broker gives no ids of its own: what seems to be a redelivery may be that one,
   * which nobody has handled.
   */
  get hasDouble(): boolean {
    const { sameAs, incoming } = this.delivery
    return this.deadLettered && sameAs === incoming.id
  }
}
