import { exponential, type ProcessFunction, type ProcessMiddleware, type SendMiddleware } from '@busbar/core'
import type { FencedStore } from '@busbar/core/driver'
import {
  circuitBreaker,
  claimCheck,
  claimFetch,
  compression,
  concurrencyLimit,
  decompression,
  decryption,
  encryption,
  idempotency,
  rateLimit,
  retry,
  sendOnce,
  timeout,
  type BodyStore,
  type KeyProvider,
} from '@busbar/middleware'
import type { Plan } from './plan.ts'

/** What the middleware of one process works with. */
export interface Tools {
  readonly store: FencedStore
  readonly bodies: BodyStore
  readonly keys: KeyProvider
}

export type ProcessChain = readonly (ProcessMiddleware | ProcessFunction)[]

/** Longest that middleware waits for the stores. */
const [bodyTimeoutMs, claimTimeoutMs] = [5_000, 2_000]

/** Going on without protection needs somebody who is told. */
const onStoreFailure = (): void => undefined

export function sendChain(plan: Plan, { store, bodies, keys }: Tools): readonly SendMiddleware[] {
  const { claims } = plan
  return [
    plan.sendOnce && sendOnce({ store, leaseMs: 5_000, timeoutMs: claimTimeoutMs, onStoreFailure, ...plan.sendOnce }),
    plan.compression && compression({ algorithm: plan.compression, level: 1, minBytes: 256 }),
    plan.encryption && encryption({ keys, maxMessagesPerKey: plan.encryption.maxMessagesPerKey }),
    claims && claimCheck({ store: bodies, minBytes: claims.minBytes, timeoutMs: bodyTimeoutMs }),
  ].filter((middleware) => middleware !== false)
}

/** In the order that core demands. */
export function processChain(plan: Plan, { store, bodies, keys }: Tools): readonly ProcessMiddleware[] {
  const { claims, concurrencyLimit: places } = plan
  return [
    claims &&
      claimFetch({ store: bodies, timeoutMs: bodyTimeoutMs, ...(claims.deleteAfterAck === undefined ? {} : { deleteAfterAck: claims.deleteAfterAck }) }),
    plan.encryption && decryption({ keys }),
    plan.compression && decompression(),
    plan.idempotency && idempotency({ store, timeoutMs: claimTimeoutMs, onStoreFailure, ...plan.idempotency }),
    plan.retry && retry({ maxAttempts: plan.retry.maxAttempts, backoff: exponential({ initialMs: plan.retry.initialMs, maxMs: 20_000, jitter: 'full' }) }),
    places && concurrencyLimit({ max: places }),
    plan.rateLimit && rateLimit(plan.rateLimit),
    plan.circuitBreaker && circuitBreaker(plan.circuitBreaker),
    plan.timeoutMs && timeout({ ms: plan.timeoutMs }),
  ].filter((middleware) => typeof middleware === 'object')
}
