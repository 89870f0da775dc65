import { violations } from './check.ts'
import { runSchedule } from './program.ts'

/** What became of one schedule, as one thread tells another. */
export interface Outcome {
  readonly seed: number
  readonly name: string
  readonly violations: readonly string[]
  /** How often each thing was tried. */
  readonly tried: readonly (readonly [what: string, times: number])[]
  readonly crashedAt: readonly (readonly [step: string, times: number])[]
}

/** Schedules that run side by side: while one waits for the thread pool, another goes on. */
const atOnce = 2

/** Runs the seeds that `next` gives out until it has none, and tells the outcome of each. */
export async function runSeeds(next: () => number | undefined, onDone: (outcome: Outcome, trace: readonly string[]) => void): Promise<void> {
  const runSome = async (): Promise<void> => {
    for (let seed = next(); seed !== undefined; seed = next()) {
      const { history, promised, name, trace } = await runSchedule(seed)
      const { tried, crashedAt } = history
      onDone({ seed, name, violations: violations(history, promised), tried: Object.entries(tried), crashedAt: [...crashedAt] }, trace)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, runSome))
}
