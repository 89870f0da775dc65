/** What reads messages and notes from outside, for `npm run fuzz`. Not published: it promises nothing to users. */
export { toBrokerError } from './errors.ts'
export { incomingOf } from './message/incoming.ts'
export type { ReceivedPacket } from './message/packet.ts'
export { parseNote } from './provisioning/notes.ts'
