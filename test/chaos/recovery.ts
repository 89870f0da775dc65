import type { HistoryEvent } from './history.ts'

/** How long it took from the end of a fault until something sent after it was handled. Faults that strike meanwhile make it longer. */
export interface Recovery {
  readonly fault: string
  /** `undefined`: it has not ended, or nothing that was sent after it was handled. */
  readonly ms: number | undefined
}

/** Follows a run; events may come late, since histories are read in turn. */
export class RecoveryWatch {
  readonly #began: Moment[] = []
  readonly #over: Moment[] = []
  /** Nanoseconds at which each message was first given to `send`. */
  readonly #sent = new Map<string, number>()
  readonly #handled: Moment[] = []

  add({ kind, what, at }: HistoryEvent): void {
    if (kind === 'fault') this.#began.push({ what, at })
    else if (kind === 'over') this.#over.push({ what, at })
    else if (kind === 'sending' && !this.#sent.has(what)) this.#sent.set(what, at)
    else if (kind === 'effect') this.#handled.push({ what, at })
  }

  /** One for each fault, in the order in which they ended. */
  recoveries(): readonly Recovery[] {
    const sentAt = ({ what }: Moment): number => this.#sent.get(what) ?? 0
    const handled = this.#handled.map((effect) => ({ sentAt: sentAt(effect), at: effect.at })).toSorted((a, b) => a.sentAt - b.sentAt)
    const found: Recovery[] = []
    // From the last fault to the first, so that every effect is looked at once.
    let first = Infinity
    for (const { what, at } of this.#over.toSorted((a, b) => b.at - a.at)) {
      for (let last = handled.at(-1); last !== undefined && last.sentAt > at; last = handled.at(-1)) {
        first = Math.min(first, last.at)
        handled.pop()
      }
      found.push({ fault: what, ms: first === Infinity ? undefined : (first - at) / 1e6 })
    }
    // One strikes after the other.
    const open = this.#began.toSorted((a, b) => a.at - b.at).slice(found.length)
    return [...found.toReversed(), ...open.map(({ what }) => ({ fault: what, ms: undefined }))]
  }
}

interface Moment {
  /** A fault, or the id of a message. */
  readonly what: string
  /** Nanoseconds. */
  readonly at: number
}
