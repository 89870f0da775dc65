import type { ProcessContext } from '@busbar/core'
import { LinkedList, type Linked } from '../support/linked-list.ts'
import { roundingMs, type Bucket, type Pace } from './bucket.ts'

/** A token that a message will come back for. */
class Reservation implements Linked<Reservation> {
  previous: Reservation | undefined = undefined
  next: Reservation | undefined = undefined
  readonly bucket: Bucket
  readonly identity: unknown
  /** Its number among those of its bucket. */
  readonly ticket: number
  dueAt: number
  /** It has come back for its token and found none: others were let through in between, or it came later than the burst allows for. */
  late = false

  constructor(bucket: Bucket, identity: unknown, dueAt: number) {
    this.bucket = bucket
    this.identity = identity
    this.ticket = ++bucket.reserved
    this.dueAt = dueAt
  }
}

/** How long a message that does not come back is waited for: its lease was lost, or its consumer has ended. */
const expiryMs = 60_000

/** Messages held are bounded by their consumers; those that a retry policy of short holds gives back to the broker are not. */
const most = 100_000

/** Gives out tokens in the order of arrival. A message that has to wait comes back as another start: its reservation is found by its id. */
export class Reservations {
  readonly #pace: Pace
  readonly #byIdentity: Map<unknown, Reservation> = new Map()
  /** Oldest first. */
  readonly #list: LinkedList<Reservation> = new LinkedList()

  constructor(pace: Pace) {
    this.#pace = pace
  }

  /** 0: it has taken a token. Else how many milliseconds it has to wait. */
  admit(bucket: Bucket, context: ProcessContext, now: number): number {
    if (this.#list.size === 0 && bucket.has(1, now, this.#pace)) {
      bucket.take(now, this.#pace)
      return 0
    }
    const identity = identityOf(context)
    const reservation = this.#byIdentity.get(identity)
    if (reservation?.bucket === bucket) return this.#redeem(reservation, now)
    if (reservation !== undefined) this.#forget(reservation)
    this.#forgetExpired(now)
    return this.#arrive(bucket, identity, now)
  }

  /** Whoever waits has arrived before: only what they leave can be taken. */
  #arrive(bucket: Bucket, identity: unknown, now: number): number {
    const place = bucket.reserved - bucket.gone + 1
    if (bucket.has(place, now, this.#pace)) {
      bucket.take(now, this.#pace)
      return 0
    }
    const dueAt = bucket.due(place, now, this.#pace)
    if (this.#list.size < most) {
      const reservation = new Reservation(bucket, identity, dueAt)
      this.#byIdentity.set(identity, reservation)
      this.#list.add(reservation)
    }
    return dueAt - now
  }

  #redeem(reservation: Reservation, now: number): number {
    const { bucket, late, ticket } = reservation
    // It moves up when one before it has not come back.
    if (!late) reservation.dueAt = Math.min(reservation.dueAt, bucket.due(Math.max(1, ticket - bucket.gone), now, this.#pace))
    const { dueAt } = reservation
    if (now < dueAt - roundingMs) return dueAt - now
    // Those that came too late stand in a line of their own, before all whose time has come since.
    if ((late || bucket.lateUntil < now) && bucket.has(1, now, this.#pace)) {
      this.#forget(reservation)
      bucket.take(now, this.#pace)
      return 0
    }
    reservation.late = true
    reservation.dueAt = Math.max(bucket.due(1, now, this.#pace), bucket.lateUntil + this.#pace.intervalMs)
    bucket.lateUntil = reservation.dueAt
    return reservation.dueAt - now
  }

  #forget(reservation: Reservation): void {
    this.#byIdentity.delete(reservation.identity)
    this.#list.remove(reservation)
    reservation.bucket.gone++
  }

  #forgetExpired(now: number): void {
    for (let oldest = this.#list.first; oldest !== undefined && oldest.dueAt + expiryMs < now; oldest = this.#list.first) this.#forget(oldest)
  }
}

/** An id is the same for a redelivery. What foreign messages without one keep from start to start is what the client library has delivered, or their headers. */
function identityOf({ incoming, source }: ProcessContext): unknown {
  if (incoming.id !== undefined) return `${source}\n${incoming.id}`
  return typeof incoming.native === 'object' && incoming.native !== null ? incoming.native : incoming.headers
}
