import { isBrokerError, type ErrorCode, type ProcessContext } from '@busbar/core'
import { longestHoldMs } from '@busbar/core/driver'
import { ImpossibleAnswer } from './checked-store.ts'

/** Bounds of the time for which a store that fails is left alone, in milliseconds. In between it is half of the time that it has failed for. */
const [shortestMs, longestMs] = [500, 2_500]

/** Codes of a store that as a whole cannot be used, although asking again at once is of no use: a wrong password, a table that is missing. No message is to blame. */
const ofTheStore: ReadonlySet<ErrorCode> = new Set(['ERR_ACCESS_DENIED', 'ERR_CLOSED', 'ERR_CONFIGURATION', 'ERR_NOT_FOUND'])

/** The store is there and does not take this claim: it will not take it later either. */
export function isRefusal(error: unknown): boolean {
  return isBrokerError(error) && !error.retryable && !ofTheStore.has(error.code)
}

/** What is known of a store that cannot be reached. While there is no use in asking, nobody waits for its time limit and it is not stormed when it returns. */
export class Outage {
  #sinceMs: number | undefined
  #untilMs = 0
  #error: unknown

  /** Has the store failed the last time it was asked? */
  get lasts(): boolean {
    return this.#sinceMs !== undefined
  }

  /** Why. */
  get error(): unknown {
    return this.#error
  }

  /** Milliseconds until the store is worth asking again. */
  leftMs(nowMs: number): number {
    return this.lasts ? Math.max(0, this.#untilMs - nowMs) : 0
  }

  /** Refusals of one claim, and impossible answers to it, say nothing about the next; anything else does. */
  begins(error: unknown, nowMs: number): void {
    if (error instanceof ImpossibleAnswer || isRefusal(error)) return
    this.#error = error
    this.#sinceMs ??= nowMs
    // Those that were asked at the same time fail one after the other; the first of them counts.
    if (this.#untilMs <= nowMs) this.#untilMs = nowMs + Math.min(longestMs, Math.max(shortestMs, (nowMs - this.#sinceMs) / 2))
  }

  ends(): void {
    this.#sinceMs = undefined
    this.#untilMs = 0
    this.#error = undefined
  }

  /** How long a message waits that could not be claimed, with jitter. One that can neither be held nor given to the broker would end in the dead letters. */
  holdMs({ clock, random, capabilities }: Pick<ProcessContext, 'clock' | 'random' | 'capabilities'>): number {
    const wantedMs = (this.leftMs(clock.monotonic()) || shortestMs) * (1 + random())
    return Math.max(1, Math.floor(Math.min(wantedMs, longestHoldMs(capabilities))))
  }
}
