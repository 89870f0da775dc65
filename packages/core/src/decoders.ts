/** What reads text from outside, for `npm run fuzz`. Not published: it promises nothing to users. */
export { configurationIn } from './connect/read-configuration.ts'
export { unpackDeadLetter } from './dead-letters/header.ts'
