/** Handles every message once, however often it is delivered, and sends it once, however often `send` is repeated. */
export { idempotency, type IdempotencyMiddleware, type IdempotencyOptions, type StoreFailure } from './idempotency.ts'
export { sendOnce, type SendOnceMiddleware, type SendOnceOptions } from './send-once.ts'
