/** Shared middleware for Busbar. Each is also exported from a path of its own: `@busbar/middleware/retry`. */
export {
  idempotency,
  sendOnce,
  type IdempotencyMiddleware,
  type IdempotencyOptions,
  type SendOnceMiddleware,
  type SendOnceOptions,
  type StoreFailure,
} from './idempotency/index.ts'
export { circuitBreaker, type CircuitBreaker, type CircuitBreakerOptions, type CircuitChange, type CircuitState } from './circuit-breaker/index.ts'
export { concurrencyLimit, type ConcurrencyLimit, type ConcurrencyLimitOptions } from './concurrency-limit/index.ts'
export { rateLimit, type RateLimitOptions } from './rate-limit/index.ts'
export {
  claimCheck,
  claimFetch,
  fileStore,
  s3Store,
  type BodyStore,
  type BodyStoreFailure,
  type BodyStoreGetOptions,
  type BodyStoreOptions,
  type ClaimCheckOptions,
  type ClaimFetchOptions,
  type FileStoreOptions,
  type S3Like,
  type S3StoreOptions,
} from './claim-check/index.ts'
export { compression, decompression, type CompressionAlgorithm, type CompressionOptions, type DecompressionOptions } from './compression/index.ts'
export {
  decryption,
  encryption,
  localKeys,
  type DecryptionOptions,
  type EncryptionOptions,
  type KeyFailure,
  type KeyProvider,
  type LocalKeysOptions,
  type MasterKey,
  type MasterKeyMaterial,
} from './encryption/index.ts'
export { retry, type ErrorFilter, type RetryOptions } from './retry/index.ts'
export { timeout, type Overrun, type TimeoutOptions } from './timeout/index.ts'
