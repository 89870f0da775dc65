/** What is done to the leases of messages while handlers run. */
export { extend } from './extend.ts'
export { renewLeases } from './renew-leases.ts'
