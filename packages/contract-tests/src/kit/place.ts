import type { Capabilities, Endpoint, EndpointSubscription } from '@busbar/core/driver'

/** Where a case sends to and receives from. Nothing else uses its names. */
export interface Place {
  /** For `link.sender`. */
  readonly destination: Endpoint
  /** For `link.receiver`: the queue itself, or a subscription. */
  readonly source: Endpoint
  /** Of sending and receiving together, as the broker confirmed them. */
  readonly capabilities: Capabilities
}

/** What is not decided by the case's kind. */
export interface PlaceOptions {
  readonly subscription?: Omit<EndpointSubscription, 'name'>
  /** Physical name of the queue where the broker puts what is discarded. */
  readonly deadLetterName?: string
  readonly maxAttempts?: number
}

/** What the destination promises about sending and what the source promises about receiving, in one object. */
export function combine(destination: Capabilities, source: Capabilities): Capabilities {
  const { delay, deduplication, batchOrder, callOrder, maxMessageBytes, maxHeaders, maxBatch, timeToLive, priority, timestampResolutionMs, confirms } =
    destination
  return {
    ...source,
    delay,
    deduplication,
    batchOrder,
    callOrder,
    maxMessageBytes,
    maxHeaders,
    maxBatch,
    timeToLive,
    priority,
    timestampResolutionMs,
    confirms,
  }
}
