/** Shared middleware for Busbar. Each is also exported from a path of its own: `@busbar/middleware/retry`. */
export { idempotency, type IdempotencyOptions, type StoreFailure } from './idempotency/index.ts'
export { retry, type RetryOptions } from './retry/index.ts'
