import type { HistoryEvent } from './history.ts'

/** How long it took after a fault until something sent after it was handled. Of faults that struck before the last one had healed only the last counts. */
export interface Recovery {
  readonly fault: string
  /** `undefined`: nothing that was sent after it was handled. */
  readonly ms: number | undefined
}

/** Follows a run; events may come late, since histories are read in turn. */
export class RecoveryWatch {
  readonly #over: { readonly fault: string; readonly at: number }[] = []
  readonly #began: number[] = []
  /** Nanoseconds at which each message was first given to `send`, and had its first effect. */
  readonly #sent = new Map<string, number>()
  readonly #handled: { readonly sentAt: string; readonly at: number }[] = []

  add({ kind, what, at }: HistoryEvent): void {
    if (kind === 'fault') this.#began.push(at)
    else if (kind === 'over') this.#over.push({ fault: what, at })
    else if (kind === 'sending' && !this.#sent.has(what)) this.#sent.set(what, at)
    else if (kind === 'effect') this.#handled.push({ sentAt: what, at })
  }

  recoveries(): readonly Recovery[] {
    const handled = this.#handled.map(({ sentAt, at }) => ({ sentAt: this.#sent.get(sentAt) ?? Infinity, at })).toSorted((a, b) => a.at - b.at)
    return this.#over.flatMap(({ fault, at }): Recovery[] => {
      const first = handled.find((message) => message.at > at && message.sentAt > at)
      const next = this.#began.find((began) => began > at) ?? Infinity
      if (next < (first?.at ?? Infinity)) return []
      return [{ fault, ms: first === undefined ? undefined : (first.at - at) / 1e6 }]
    })
  }
}
