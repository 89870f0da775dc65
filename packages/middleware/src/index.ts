/** Shared middleware for Busbar. Each is also exported from a path of its own: `@busbar/middleware/retry`. */
export { idempotency, sendOnce, type IdempotencyOptions, type SendOnceOptions, type StoreFailure } from './idempotency/index.ts'
export { retry, type RetryOptions } from './retry/index.ts'
