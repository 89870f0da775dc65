/** Limits of Amazon SQS as of 2026, from the service's API reference. */
export const limits = {
  /** One message, and all messages of one request, with their attributes. */
  messageBytes: 1_048_576,
  batchEntries: 10,
  receiveMessages: 10,
  delayMs: 900_000,
  /** Longest visibility timeout, counted from the receipt. */
  visibilityMs: 43_200_000,
  waitMs: 20_000,
  deduplicationMs: 300_000,
  attributes: 10,
  idLength: 128,
  nameLength: 80,
  retentionMs: 1_209_600_000,
  maxReceiveCount: 1_000,
  movesPerSecond: 500,
} as const
