/** How fast tokens come, and how many are kept. */
export interface Pace {
  readonly intervalMs: number
  readonly burst: number
}

/** Below what a clock can tell: two ways to compute one instant may differ by so much. */
export const roundingMs = 1e-3

/** The tokens of one key. Instead of a number that would have to be brought up to date, it keeps when the last token taken would have come had none been saved up. */
export class Bucket {
  readonly key: string
  /** Tokens that were reserved, ever; and those of them that were taken, or not come back for. */
  reserved = 0
  gone = 0
  /** When the last of those is due that came back and found no token. */
  lateUntil: number = -Infinity
  #emptyUntil: number

  constructor(key: string, now: number) {
    this.key = key
    this.#emptyUntil = now
  }

  /** Nothing would be lost if it were forgotten. */
  idle(now: number): boolean {
    return this.reserved === this.gone && this.#emptyUntil <= now
  }

  /** When the `count`th token from now on is there; in the past if it is already. */
  due(count: number, now: number, { intervalMs, burst }: Pace): number {
    return Math.max(this.#emptyUntil, now) + (count - burst) * intervalMs
  }

  has(count: number, now: number, pace: Pace): boolean {
    return this.due(count, now, pace) <= now + roundingMs
  }

  take(now: number, { intervalMs }: Pace): void {
    this.#emptyUntil = Math.max(this.#emptyUntil, now) + intervalMs
  }
}
