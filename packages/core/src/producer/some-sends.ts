/** What only sends with a signal, with middleware, or with validation that takes time need. */
export { AbortWatch } from './abort-watch.ts'
export { Preparer } from './prepare.ts'
