/** A limit of handlers running at once that several consumers share. */
export { concurrencyLimit, type ConcurrencyLimit, type ConcurrencyLimitOptions } from './concurrency-limit.ts'
