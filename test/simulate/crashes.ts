export interface CrashPlan {
  readonly random: () => number
  /** Crashes at most. */
  readonly budget: number
  /** Of a crash at any step; 0 to 1. */
  readonly probability: number
  /** A step at which crashes are likely, so that rare ones are met at all. */
  readonly likely: LikelyStep
}

/** Calls that every schedule makes many times, those that it makes a few times, and those that most never make: these are drawn more often. */
const frequent: readonly string[] = ['claim', 'complete', 'release', 'send claim', 'send complete', 'send', 'settle']
const ofBodies: readonly string[] = ['put', 'get', 'delete']
const ofSendOnce: readonly string[] = ['send claim', 'send complete']
const ofRedrives: readonly string[] = ['dead start', 'dead settle', 'dead handBack']
const rare: readonly string[] = [...ofBodies, ...ofRedrives, 'dead send', 'renew', 'extend', 'pause', 'handBack', 'close']
const rarest: readonly string[] = ['delete', 'dead start', 'dead settle', 'dead handBack', 'renew', 'extend', 'extend', 'extend']

/** Part of a plan. */
export type Needed = 'claims' | 'redrives' | 'sendOnce'

/** A step that is likely in one schedule: before or after a call that leaves a process. */
export interface LikelyStep {
  readonly step: string
  readonly probability: number
  /** What has to be on, or it is never met. */
  readonly needs: Needed | undefined
}

export const likelySteps: readonly LikelyStep[] = [...frequent, ...rare, ...rarest].flatMap((call) =>
  ['before', 'after'].map((when) => ({
    step: `${when} ${call}`,
    probability: frequent.includes(call) ? 0.1 : rarest.includes(call) ? 0.9 : 0.4,
    needs: neededBy(call),
  })),
)

function neededBy(call: string): Needed | undefined {
  if (ofBodies.includes(call)) return 'claims'
  if (ofRedrives.includes(call)) return 'redrives'
  return ofSendOnce.includes(call) ? 'sendOnce' : undefined
}

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
    if (random() >= (step === likely.step ? likely.probability : probability)) return false
    this.#left--
    return true
  }
}
