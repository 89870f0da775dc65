import { Suspensions } from '../consumer/suspensions.ts'
import { composeProcess, type ProcessChain } from './compose.ts'
import { checkProcessOrder } from './process-order.ts'
import type { ProcessStage } from './stages.ts'
import type { ProcessFunction, ProcessMiddleware } from './types.ts'

/** The middleware of a consumer, on both sides of the place where the body is decoded. */
export interface ProcessChains {
  /** Sees the message as it came; `undefined` if there are none such. */
  readonly outer: ProcessChain | undefined
  readonly inner: ProcessChain
  /** Through which they suspend the consumer. */
  readonly suspensions: Suspensions
}

/** Stages before the body is decoded: what stands in them, and whatever stands outside of them, sees the message as it came, without a body. */
const rawStages: readonly ProcessStage[] = ['telemetry', 'claim-check', 'decryption', 'decompression']

/** Of middleware, outermost first. The body is decoded inside the last that works on it as it came. Throws `ERR_CONFIGURATION` for a chain in a wrong order. */
export function chainsOf(use: readonly (ProcessMiddleware | ProcessFunction)[]): ProcessChains {
  checkProcessOrder(use)
  const outside = 1 + use.findLastIndex((middleware) => typeof middleware === 'object' && rawStages.includes(middleware.stage))
  return {
    outer: outside === 0 ? undefined : composeProcess(use.slice(0, outside)),
    inner: composeProcess(use.slice(outside)),
    suspensions: new Suspensions(),
  }
}
