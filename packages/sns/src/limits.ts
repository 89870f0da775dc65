/** Limits of Amazon SNS as of 2026, from the service's API reference. */
export const limits = {
  /** One message, and all messages of one request, with their attributes: of a topic whose `MaximumMessageSize` nobody has changed. */
  messageBytes: 262_144,
  /** What `MaximumMessageSize` can be. */
  leastMessageBytes: 1_024,
  mostMessageBytes: 1_048_576,
  batchEntries: 10,
  nameLength: 256,
  /** A subject is shorter than this. */
  subjectLength: 100,
  /** Longest retention of a queue. */
  retentionMs: 1_209_600_000,
} as const
