/** One thing that could not be checked on this machine. */
export interface Skip {
  readonly what: string
  readonly reason: string
  /** What to do so that it runs. */
  readonly remedy: string
  /** How many checks were skipped for this reason. Default 1. */
  readonly count?: number
}

export interface PartResult {
  readonly passed: number
  readonly failed: number
  readonly skipped: readonly Skip[]
  /** What a reader needs to act on the failures; printed again at the end. */
  readonly failures: readonly string[]
}

export interface PartContext {
  /** Fires when the budget is used up or the run is interrupted; everything that the part started must end. */
  readonly signal: AbortSignal
  /** Prints a line, marked with the part's name. */
  readonly log: (line: string) => void
}

/** A part of the certificate. */
export interface Part {
  readonly name: string
  /** A part that takes longer is stopped and has failed. */
  readonly budgetSeconds: number
  /** Measures time or starts brokers: nothing else runs at the same time but what is in the background. Default false: two parts share the machine. */
  readonly alone?: boolean
  /** Only computes, whatever the time: runs beside all that follows, also parts that run alone. `scriptPart` gives it the lowest priority, and so what they leave of the cores. Default false. */
  readonly background?: boolean
  /** Runs only with `--full` or when selected by `--only`. Default false. */
  readonly full?: boolean
  run(context: PartContext): Promise<PartResult>
}

/** The result of a part that is one check: what is wrong, if anything. */
export function verdict(failures: readonly string[], passed = 1): PartResult {
  return { passed: failures.length === 0 ? passed : 0, failed: failures.length, skipped: [], failures }
}

/** Adds results up. */
export function sum(results: readonly PartResult[]): PartResult {
  return {
    passed: results.reduce((total, result) => total + result.passed, 0),
    failed: results.reduce((total, result) => total + result.failed, 0),
    skipped: results.flatMap((result) => result.skipped),
    failures: results.flatMap((result) => result.failures),
  }
}

export function skipCount(result: PartResult): number {
  return result.skipped.reduce((total, skip) => total + (skip.count ?? 1), 0)
}
