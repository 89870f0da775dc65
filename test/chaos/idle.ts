import type { HistoryEvent } from './history.ts'

const second = 1_000_000_000
/** Longer than a claim (20 s), any fault, and what either leaves behind. */
const idleSeconds = 60
/** So many messages that others begin meanwhile would not all pass by a consumer that shares them. */
const others = 200

/** Nanoseconds. */
interface Life {
  began: number
  lastBegin: number
  /** It was told to end: a consumer then says what is left. 0: not yet. */
  left: number
}

/** Finds consumers that began nothing for long before they were told to end, while others did. Events of different processes come in any order. */
export class IdleWatch {
  readonly #lives = new Map<string, Life>()
  /** Messages begun, by second. */
  readonly #begun = new Map<number, number>()

  add(by: string, { kind, at }: HistoryEvent): void {
    let life = this.#lives.get(by)
    if (life === undefined) this.#lives.set(by, (life = { began: at, lastBegin: 0, left: 0 }))
    if (kind === 'left') life.left = at
    else if (kind === 'begin') {
      life.lastBegin = at
      const when = Math.floor(at / second)
      this.#begun.set(when, (this.#begun.get(when) ?? 0) + 1)
    }
  }

  problems(): string[] {
    return [...this.#lives].flatMap(([name, { began, lastBegin, left }]) => {
      const [from, to] = [Math.max(began, lastBegin), left].map((at) => Math.floor(at / second)) as [number, number]
      if (to - from < idleSeconds) return []
      // Whole seconds in which it began nothing.
      const count = [...this.#begun].reduce((sum, [when, times]) => (when > from && when < to ? sum + times : sum), 0)
      return count < others ? [] : [`stuck: ${name} began nothing in its last ${to - from} s, and others ${count} messages`]
    })
  }
}
