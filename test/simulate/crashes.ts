export interface CrashPlan {
  readonly random: () => number
  /** Crashes at most. */
  readonly budget: number
  /** Of a crash at any step; 0 to 1. */
  readonly probability: number
  /** A step at which crashes are likely, so that rare ones are met at all. */
  readonly likely: string
}

const likelyProbability = 0.12

/** Steps that a schedule may make likely: before and after each call that leaves a process. */
export const likelySteps: readonly string[] = [
  ...['claim', 'complete', 'release', 'renew', 'put', 'get', 'delete', 'send', 'settle', 'extend', 'pause', 'handBack', 'close'],
  ...['dead send', 'dead settle', 'dead start', 'dead handBack'],
].flatMap((call) => [`before ${call}`, `after ${call}`])

/** Decides at which of its steps a process ends without a word. */
export class Crashes {
  readonly #plan: CrashPlan
  #left: number

  constructor(plan: CrashPlan) {
    this.#plan = plan
    this.#left = plan.budget
  }

  at(step: string): boolean {
    if (this.#left === 0) return false
    const { random, probability, likely } = this.#plan
    if (random() >= (step === likely ? likelyProbability : probability)) return false
    this.#left--
    return true
  }
}
