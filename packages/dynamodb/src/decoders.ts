/** What reads items from outside, for `npm run fuzz`. Not published: it promises nothing to users. */
export { readClaim } from './claim-item.ts'
export { toBrokerError } from './errors.ts'
export { scanClaims } from './scan.ts'
export type { TableApi } from './table-api.ts'
