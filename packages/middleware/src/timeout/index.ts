/** Ends attempts that take too long. */
export { timeout, type Overrun, type TimeoutOptions } from './timeout.ts'
