/**
 * Tokens that no other start of a message has: a part that is random per process, and a number.
 * The random part is drawn from the source of the first message, since randomness is given to a consumer, not to a middleware.
 */
export class OwnerTokens {
  #prefix: string | undefined
  #count = 0

  next(random: () => number): string {
    this.#prefix ??= `${base36(random())}${base36(random())}.`
    return this.#prefix + this.#count++
  }
}

function base36(fraction: number): string {
  return Math.floor(fraction * 2 ** 52).toString(36)
}
