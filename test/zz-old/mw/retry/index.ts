/** Decides what happens after a failed attempt. */
export { retry, type RetryOptions } from './retry.ts'
