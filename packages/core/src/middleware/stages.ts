/**
 * Places in the process chain, outermost first. A chain whose stages are not in this order is refused with the reason.
 * `custom` is what a bare function has: it may stand anywhere.
 */
export const processStages = [
  'telemetry',
  'claim-check',
  'decryption',
  'decompression',
  'idempotency',
  'retry',
  'concurrency-limit',
  'rate-limit',
  'circuit-breaker',
  'timeout',
  'custom',
] as const
export type ProcessStage = (typeof processStages)[number]

/** Places in the send chain, outermost first: the mirror of {@link processStages}. */
export const sendStages = ['telemetry', 'idempotency', 'compression', 'encryption', 'claim-check', 'custom'] as const
export type SendStage = (typeof sendStages)[number]
