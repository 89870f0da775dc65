/** Handles every message once, however often it is delivered. */
export { idempotency, type IdempotencyOptions, type StoreFailure } from './idempotency.ts'
