/** What is said and done when something fails or is refused: the texts are most of it, and programs that run well need none of them. */
export { differenceError, mismatchError } from './broker/mismatches.ts'
export { tryAgain } from './broker/try-again.ts'
export { noReceiver, policyError } from './broker/policy-refusals.ts'
export { invalidBody } from './invalid-body.ts'
export { refusalError } from './producer/send-refusals.ts'
