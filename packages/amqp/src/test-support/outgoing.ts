import type { Outgoing } from '@busbar/core/driver'

/** A message of which nothing optional is given. */
export const outgoing: Outgoing = {
  id: 'm1',
  body: 'body',
  bodyBytes: 4,
  headers: {},
  type: undefined,
  contentType: undefined,
  timestamp: 1_700_000_000_000,
  key: undefined,
  attempt: 0,
  deduplicationId: undefined,
  delayMs: undefined,
  timeToLiveMs: undefined,
  priority: undefined,
  correlationId: undefined,
  replyTo: undefined,
}
