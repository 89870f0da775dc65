/** What reads messages and policies from outside, for `npm run fuzz`. Not published: it promises nothing to users. */
export { entryError, toBrokerError } from './errors.ts'
export { incomingOf, receiveCount, type Reading } from './incoming.ts'
export { mergedPolicy } from './policy.ts'
export { redrivePolicyOf } from './queue-attributes.ts'
