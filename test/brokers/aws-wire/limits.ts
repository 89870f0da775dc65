import { snsLimits, sqsLimits } from '@busbar/memory/engine'

/** Times and counts of the service that are too long to wait for or too large to reach. In milliseconds where they are times. */
export interface WireLimits {
  /** Messages in flight per queue. Default 120,000. */
  readonly inFlight: number
  /** How long a message can be invisible in all after a receive. Default 43,200,000 (12 h). */
  readonly invisibleMs: number
  /** Shortest time between two purges. Default 60,000. */
  readonly purgeEveryMs: number
  /** How long the name of a deleted queue cannot be used. Default 60,000. */
  readonly deletedForMs: number
  /** How long deduplication ids are remembered, by queues and by topics. Default 300,000. */
  readonly deduplicationMs: number
  /** How long a receive can be repeated by its `ReceiveRequestAttemptId`. Default 300,000. */
  readonly receiveAttemptMs: number
  /** Subscriptions of one FIFO topic. Default 100. */
  readonly fifoSubscriptions: number
}

export const serviceLimits: WireLimits = Object.freeze({
  inFlight: sqsLimits.inFlight,
  invisibleMs: sqsLimits.visibilityMs,
  purgeEveryMs: sqsLimits.purgeEveryMs,
  deletedForMs: 60_000,
  deduplicationMs: sqsLimits.deduplicationMs,
  receiveAttemptMs: 300_000,
  fifoSubscriptions: snsLimits.fifoSubscriptions,
})
