/**
 * Tokens that no other start of a message has: a part that is random per process, and a number.
 * The random part is drawn from the source of the first message, since randomness is given to a consumer, not to a middleware.
 */
export class OwnerTokens {
  #prefix: string | undefined
  #count = 0
  readonly #unanswered = new Map<string, string>()

  /** A token for claiming `key`: that of a claim without an answer, or a new one. */
  forKey(key: string, random: () => number): string {
    const owner = this.#unanswered.size > 0 ? this.#unanswered.get(key) : undefined
    if (owner === undefined) return this.next(random)
    this.#unanswered.delete(key)
    return owner
  }

  next(random: () => number): string {
    this.#prefix ??= `${base36(random())}${base36(random())}.`
    return this.#prefix + this.#count++
  }

  /**
   * The claim may have been made all the same, and would be in the way until its lease ends. Whoever asks next asks under its name and takes it over;
   * nobody handles a message under it meanwhile.
   */
  keep(key: string, owner: string): void {
    this.#unanswered.set(key, owner)
    if (this.#unanswered.size <= mostUnanswered) return
    for (const oldest of this.#unanswered.keys()) {
      this.#unanswered.delete(oldest)
      return
    }
  }
}

const mostUnanswered = 10_000

function base36(fraction: number): string {
  return Math.floor(fraction * 2 ** 52).toString(36)
}
