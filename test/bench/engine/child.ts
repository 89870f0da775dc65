import { runProgram, type Job } from './programs.ts'

/** A process of its own for one measurement: takes a job, answers with a sample, ends. */
process.once('message', (job: Job) => {
  runProgram(job)
    .then((sample) => answer({ sample }))
    .catch((error: unknown) => answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }))
})

function answer(message: object): void {
  // Ends also what a client left open.
  process.send?.(message, () => process.exit(0))
}
