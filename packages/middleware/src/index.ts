/** Shared middleware for Busbar. Each is also exported from a path of its own: `@busbar/middleware/retry`. */
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
export { idempotency, type IdempotencyOptions, type StoreFailure } from './idempotency/index.ts'
export { retry, type RetryOptions } from './retry/index.ts'
