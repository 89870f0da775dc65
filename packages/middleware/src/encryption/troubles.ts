/** Ids come from outside: so many are told apart. */
const mostIds = 1_000

interface Trouble {
  readonly since: number
  last: number
}

/** How long keys could not be had, by id. */
export class Troubles {
  readonly #forgetMs: number
  readonly #troubles = new Map<string, Trouble>()

  /** An id that nobody has asked for during `forgetMs` begins anew. */
  constructor(forgetMs: number) {
    this.#forgetMs = forgetMs
  }

  /** Milliseconds since it was first asked for in vain. */
  add(id: string, now: number): number {
    const trouble = this.#troubles.get(id)
    if (trouble !== undefined && now - trouble.last <= this.#forgetMs) {
      trouble.last = now
      return now - trouble.since
    }
    this.#troubles.delete(id)
    if (this.#troubles.size >= mostIds) this.#troubles.delete(this.#troubles.keys().next().value as string)
    this.#troubles.set(id, { since: now, last: now })
    return 0
  }

  over(id: string): void {
    if (this.#troubles.size > 0) this.#troubles.delete(id)
  }
}
