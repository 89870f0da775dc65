/** Decides what happens after a failed attempt. */
export { retry, type RetryOptions } from './retry.ts'
export type { ErrorFilter } from '../support/error-filter.ts'
