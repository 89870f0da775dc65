import type { Port } from './port.ts'
import type { Stored } from './stored.ts'

/** Which message comes next: the part in which queues of different brokers differ. It holds what is not in flight; the queue keeps delays and leases. */
export interface Backlog {
  /** Does a message that is delayed from the start take its place at once? Otherwise it is added when it is due. */
  readonly placesDelayed: boolean
  /** A message that is new here. */
  add(message: Stored): void
  /**
   * Moves messages for `port` into `taken` until that has `max`, puts them in flight and counts their bytes on the port, as far as they fit.
   * Asks `admit` before each, which may remove the message instead.
   */
  take(port: Port, max: number, taken: Stored[]): void
  /** A message is gone for good, wherever it was. */
  gone(message: Stored): void
  /** A message is not in flight any more; `gone` or `returned` follows. */
  left(message: Stored): void
  /** A message that was in flight is given back, to be due now or (state `delayed`) later. */
  returned(message: Stored): void
  /** A message that was given back and is ready is in flight again without being taken. */
  reclaimed(message: Stored): void
  /** A delayed message is due. `returned` said whether it had been delivered before. */
  due(message: Stored): void
  /** Messages that are neither in flight nor delayed for the first time, from `order` on, at least the first `limit` of them. In no particular order. */
  browse(after: number, limit: number): Stored[]
  /** When the oldest such message was enqueued; `Infinity` if there is none. */
  oldest(): number
}

/** Asked before a message is handed out: `false` if it has just been removed (expired, over its delivery limit). */
export type Admit = (message: Stored) => boolean
