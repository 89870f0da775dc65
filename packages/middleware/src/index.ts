/** Shared middleware for Busbar. Each is also exported from a path of its own: `@busbar/middleware/retry`. */
export { idempotency, sendOnce, type IdempotencyOptions, type SendOnceOptions, type StoreFailure } from './idempotency/index.ts'
export { circuitBreaker, type CircuitBreaker, type CircuitBreakerOptions, type CircuitChange, type CircuitState } from './circuit-breaker/index.ts'
export { concurrencyLimit, type ConcurrencyLimit, type ConcurrencyLimitOptions } from './concurrency-limit/index.ts'
export { rateLimit, type RateLimitOptions } from './rate-limit/index.ts'
export { retry, type RetryOptions } from './retry/index.ts'
export { timeout, type Overrun, type TimeoutOptions } from './timeout/index.ts'
