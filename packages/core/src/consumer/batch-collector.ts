import { checkedInteger, checkedNumber } from '../checked-number.ts'
import type { Clock, Timer } from '../clock.ts'
import type { HandlerContext } from '../message.ts'
import { assertKnownKeys } from '../nearest.ts'
import { Directive } from '../outcome.ts'
import type { ReceivedMessage } from './received-message.ts'
import type { Run } from './run.ts'
import type { ConsumeBatchesOptions, ConsumeOptions } from './types.ts'

export interface BatchCollectorOptions {
  readonly batchSize: number
  /** Batches handled at once. */
  readonly concurrency: number
  readonly lingerMs: number
  readonly clock: Clock
  readonly handler: (messages: readonly ReceivedMessage[], context: HandlerContext) => unknown
}

/** Checks the options of `consumeBatches`; returns what it takes to consume through a collector. */
export function collectorOf(
  handler: BatchCollectorOptions['handler'],
  options: ConsumeBatchesOptions,
  clock: Clock,
): { readonly collector: BatchCollector; readonly consume: ConsumeOptions } {
  assertKnownKeys('consumeBatches', options, known)
  const { batchSize = 100, lingerMs = 200, concurrency = 1, ...rest } = options
  checkedInteger('consumeBatches: batchSize', batchSize, 1, 10_000)
  checkedInteger('consumeBatches: concurrency', concurrency, 1, 10_000)
  checkedInteger('consumeBatches: batchSize × concurrency', batchSize * concurrency, 1, 10_000)
  checkedNumber('consumeBatches: lingerMs', lingerMs, 0, 60_000)
  return { collector: new BatchCollector({ batchSize, concurrency, lingerMs, clock, handler }), consume: { ...rest, concurrency: batchSize * concurrency } }
}

const known = ['batchSize', 'lingerMs', 'concurrency', 'maxInFlight', 'maxInFlightBytes', 'use', 'onExhausted', 'signal'] as const

interface Member {
  readonly run: Run
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Turns single handler calls into batches: each run waits here until its batch has been handled, and shares its outcome. */
export class BatchCollector {
  readonly #options: BatchCollectorOptions
  /** Those that wait for their batch to fill, or for another one to end. */
  readonly #members: Set<Member> = new Set()
  #running = 0
  /** Their time has come, whether or not they fill a batch. */
  #ripe = false
  #timer: Timer | undefined

  constructor(options: BatchCollectorOptions) {
    this.#options = options
  }

  readonly join = (run: Run): Promise<unknown> =>
    new Promise((resolve, reject) => {
      // It may have fired before the run came here: what is asynchronous stands before it.
      const { reason } = run
      if (reason) {
        reject(reason)
        return
      }
      const member = { run, resolve, reject }
      this.#members.add(member)
      run.onAborted = (reason) => this.#leave(member, reason)
      this.#next()
    })

  /** The consumer ends: what has not been handed out goes back, and no start of it counts. */
  readonly stop = (): void => {
    for (const member of this.#members) this.#leave(member, new Directive('retry', { counts: false }))
  }

  #leave(member: Member, reason: unknown): void {
    if (!this.#members.delete(member)) return
    member.reject(reason)
    if (this.#members.size === 0) this.#rest()
  }

  #next(): void {
    const { batchSize, concurrency, lingerMs, clock } = this.#options
    while (this.#running < concurrency && (this.#members.size >= batchSize || (this.#ripe && this.#members.size > 0))) this.#begin()
    if (this.#members.size === 0) this.#rest()
    else if (!this.#ripe) this.#timer ??= clock.timer(clock.monotonic() + lingerMs, this.#ripen)
  }

  readonly #ripen = (): void => {
    this.#ripe = true
    this.#next()
  }

  #rest(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#ripe = false
  }

  #begin(): void {
    const members: Member[] = []
    for (const member of this.#members) {
      if (members.length === this.#options.batchSize) break
      this.#members.delete(member)
      member.run.onAborted = undefined
      members.push(member)
    }
    // Who remains has waited less long.
    this.#rest()
    this.#running++
    void this.#handle(members)
  }

  async #handle(members: readonly Member[]): Promise<void> {
    try {
      const value = await this.#options.handler(
        members.map((member) => member.run.message),
        new BatchContext(members),
      )
      for (const member of members) member.resolve(value)
    } catch (error) {
      for (const member of members) member.reject(error)
    }
    this.#running--
    this.#next()
  }
}

/** Fires when any message of the batch is lost: its work can no longer be settled as a whole. */
class BatchContext implements HandlerContext {
  readonly #members: readonly Member[]
  #signal: AbortSignal | undefined

  constructor(members: readonly Member[]) {
    this.#members = members
  }

  get signal(): AbortSignal {
    return (this.#signal ??= AbortSignal.any(this.#members.map((member) => member.run.signal)))
  }
}
