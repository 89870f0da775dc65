/** A rate limit: `perSecond` tokens a second, at most one second's worth saved up. */
export class TokenBucket {
  readonly #perSecond: number
  #tokens: number
  #at: number

  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond
    this.#tokens = perSecond
    this.#at = now
  }

  has(tokens: number, now: number): boolean {
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((now - this.#at) * this.#perSecond) / 1000)
    this.#at = now
    return this.#tokens >= tokens
  }

  take(tokens: number): void {
    this.#tokens -= tokens
  }
}
