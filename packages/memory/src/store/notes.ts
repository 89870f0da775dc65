interface Kept {
  readonly note: string
  readonly endsAt: number
}

/** What owners have left to the next owners of their keys. */
export class Notes {
  /** In the order in which they were left. */
  readonly #kept = new Map<string, Kept>()

  find(key: string, now: number): string | undefined {
    const kept = this.#kept.get(key)
    return kept !== undefined && kept.endsAt > now ? kept.note : undefined
  }

  /** Forgets the oldest ones whose time is over along the way. */
  keep(key: string, note: string, now: number, endsAt: number): void {
    for (const [old, kept] of this.#kept) {
      if (kept.endsAt > now) break
      this.#kept.delete(old)
    }
    this.#kept.delete(key)
    this.#kept.set(key, { note, endsAt })
  }

  delete(key: string): void {
    this.#kept.delete(key)
  }
}
