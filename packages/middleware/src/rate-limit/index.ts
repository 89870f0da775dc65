/** Limits how many messages are handled per second. */
export { rateLimit, type RateLimitOptions } from './rate-limit.ts'
