/** Keeps large bodies in a store and sends references to them. */
export type { BodyStore, BodyStoreGetOptions, BodyStoreOptions } from './body-store.ts'
export { claimCheck, type ClaimCheckOptions } from './claim-check.ts'
export { claimFetch, type BodyStoreFailure, type ClaimFetchOptions } from './claim-fetch.ts'
export { fileStore, type FileStoreOptions } from './file-store.ts'
export { s3Store, type S3Like, type S3StoreOptions } from './s3-store.ts'
