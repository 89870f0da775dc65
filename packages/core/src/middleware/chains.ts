/** What only consumers and sends with middleware need, and sends with a signal, or with validation that takes time. One part: most of it is in common. */
export { AbortWatch } from '../producer/abort-watch.ts'
export { Preparer } from '../producer/prepare.ts'
export { chainsOf } from './process-chains.ts'
