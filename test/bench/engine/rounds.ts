import type { Sample } from './sample.ts'
import { Samples } from './sample.ts'
import { Turns } from './turns.ts'

/** One subject's turn in a round, in one scenario. */
export interface Trial {
  readonly scenario: string
  readonly subject: string
  /** What it is compared with: the trials of a group take turns in being the first of them. Default: those of its scenario. */
  readonly group?: string
  /** Takes part in every so many rounds, from the first. Default 1: in all. */
  readonly every?: number
  /** All of its group run at once, and measure in turn, a slice each. */
  readonly sliced?: boolean
  /** `round` counts from 0. `turns`: of the group, where it is `sliced`. */
  run(round: number, turns?: Turns): Promise<Sample>
}

export type Progress = (text: string) => void

/**
 * Each trial runs once per round that it takes part in: group by group, and inside a group as {@link turnsOf} says, or all at once in slices, so that drift of the machine meets all alike.
 */
export async function runRounds(trials: readonly Trial[], rounds: number, onProgress: Progress): Promise<Samples> {
  const samples = new Samples()
  const groups = Map.groupBy(trials, ({ group, scenario }) => group ?? scenario)
  for (let round = 0; round < rounds; round++) {
    for (const group of groups.values()) {
      const parts = turnsOf(group, round)
      const turns = parts.every(({ sliced }) => sliced) ? new Turns(parts.length) : undefined
      const run = async (trial: Trial): Promise<void> => {
        const { scenario, subject } = trial
        onProgress(`round ${round + 1} of ${rounds}: ${scenario}: ${subject}`)
        samples.add(scenario, subject, round, await trial.run(round, turns))
      }
      if (turns === undefined) for (const trial of parts) await run(trial)
      else await allOf(parts.map(run))
    }
  }
  return samples
}

/**
 * Who takes part in a round, in turn: A B C, B C A, C A B, each of them followed by a round the other way: C B A, A C B, B A C. So each is the first as often as the
 * others, and of any two each runs before the other as often as behind it. Rounds are counted among those in which the same trials take part, so that this holds
 * whatever other rounds lie between.
 */
export function turnsOf<Part extends Pick<Trial, 'every'>>(group: readonly Part[], round: number): Part[] {
  const partsIn = (of: number): Part[] => group.filter(({ every = 1 }) => of % every === 0)
  const parts = partsIn(round)
  const before = Array.from({ length: round }, (_, of) => partsIn(of)).filter((others) => isSame(others, parts)).length
  const first = Math.floor(before / 2) % Math.max(1, parts.length)
  const turns = [...parts.slice(first), ...parts.slice(0, first)]
  return before % 2 === 0 ? turns : turns.toReversed()
}

/** Rejects when all have ended and one has failed: nothing of a round runs beside the next one. */
async function allOf(running: readonly Promise<void>[]): Promise<void> {
  const ended = await Promise.allSettled(running)
  for (const each of ended) if (each.status === 'rejected') throw each.reason
}

function isSame(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((one, index) => one === others[index])
}
