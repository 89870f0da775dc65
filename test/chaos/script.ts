import { seededRandom } from '@busbar/memory'

/** A way to break something. */
export interface FaultKind {
  readonly name: string
  /** Shortest and longest time that it lasts, in milliseconds; both 0 where it is over at once. */
  readonly lastsMs: readonly [least: number, most: number]
  /** Of processes that are replaced or broken, one is drawn. Default: it concerns the backend. */
  readonly strikes?: 'consumer' | 'producer'
}

/** One fault of a run. */
export interface Step {
  /** From the end of the step before, or from the start, in milliseconds. */
  readonly afterMs: number
  readonly fault: string
  readonly lastsMs: number
  /** Index of the process that is struck, where one is. */
  readonly target: number
}

export interface ScriptOptions {
  readonly seed: number
  /** All steps together, in milliseconds. */
  readonly forMs: number
  readonly kinds: readonly FaultKind[]
  readonly consumers: number
  readonly producers: number
}

/** Between faults, in milliseconds. Now and then short enough that the next one strikes while things recover. */
const pauses: readonly [number, number] = [200, 2_000]

/** Draws the faults of a run. Every kind comes once before any comes again, as far as the time goes; the same options give the same script. */
export function script({ seed, forMs, kinds, consumers, producers }: ScriptOptions): readonly Step[] {
  const random = seededRandom(seed)
  const between = ([least, most]: readonly [number, number]): number => Math.round(least + random() * (most - least))
  const steps: Step[] = []
  let deck: FaultKind[] = []
  let usedMs = 0
  while (kinds.length > 0) {
    if (deck.length === 0) deck = shuffled(kinds, random)
    const { name, lastsMs, strikes } = deck.pop() as FaultKind
    const step = {
      afterMs: between(pauses),
      fault: name,
      lastsMs: between(lastsMs),
      target: Math.floor(random() * (strikes === 'producer' ? producers : consumers)),
    }
    usedMs += step.afterMs + step.lastsMs
    if (usedMs > forMs) break
    steps.push(step)
  }
  return steps
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const list = [...items]
  for (let index = list.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1))
    ;[list[index], list[other]] = [list[other] as T, list[index] as T]
  }
  return list
}
