import type { Sample } from './sample.ts'
import { Samples } from './sample.ts'

/** One subject's turn in a round. */
export interface Trial {
  readonly subject: string
  /** For progress. */
  readonly label: string
  /** Takes part in every so many rounds, from the first. Default 1: in all. */
  readonly every?: number
  /** Runs once and answers with a sample per scenario. `round` counts from 0. */
  run(round: number): Promise<Readonly<Record<string, Sample>>>
}

export type Progress = (text: string) => void

/**
 * A B C, B C A, C A B…: each subject runs once per round that it takes part in, in turn, so that drift of the machine meets all alike, and each subject is the
 * first as often as the others are.
 */
export async function runRounds(trials: readonly Trial[], rounds: number, onProgress: Progress): Promise<Samples> {
  const samples = new Samples()
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < trials.length; turn++) {
      const trial = trials[(round + turn) % trials.length] as Trial
      if (round % (trial.every ?? 1) !== 0) continue
      onProgress(`round ${round + 1} of ${rounds}: ${trial.label}`)
      for (const [scenario, sample] of Object.entries(await trial.run(round))) samples.add(scenario, trial.subject, round, sample)
    }
  }
  return samples
}
