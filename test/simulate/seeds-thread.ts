/** One of the threads that share the seeds of a run; what it is given is {@link SharedSeeds}. */
import { parentPort, workerData } from 'node:worker_threads'
import { runSeeds } from './run-seeds.ts'

/** Seeds that threads take from each other's hands. */
export interface SharedSeeds {
  /** How many have been taken. */
  readonly taken: Int32Array
  readonly from: number
  readonly count: number
}

const { taken, from, count } = workerData as SharedSeeds
// Most of what is thrown here is meant to be.
Error.stackTraceLimit = 0

await runSeeds(
  () => {
    const index = Atomics.add(taken, 0, 1)
    return index < count ? from + index : undefined
  },
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads has no origin
  (outcome) => parentPort?.postMessage(outcome),
)
