import type { ProcessStage } from './stages.ts'

/** Stages before the body is decoded: what stands in them, and whatever stands outside of them, sees the message as it came, without a body. */
export const rawStages: readonly ProcessStage[] = ['telemetry', 'claim-check', 'decryption', 'decompression']
