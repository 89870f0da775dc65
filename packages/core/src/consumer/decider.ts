import type { Logger } from '../broker/types.ts'
import type { Clock } from '../clock.ts'
import type { Capabilities } from '../driver/capabilities.ts'
import type { Outcome, SettleResult } from '../driver/receiver.ts'
import { load } from '../lazy.ts'
import { Directive } from '../outcome.ts'
import type { Telemetry } from '../telemetry.ts'
import type { Task } from './task.ts'
import { planWait } from './wait-plan.ts'

export type Answer = ((result: SettleResult) => void) | undefined

export interface DeciderOptions {
  readonly source: string
  readonly capabilities: Capabilities
  readonly clock: Clock
  readonly log: Logger
  readonly holdMs: number | undefined
  /** Handler starts after which no retry is left, whoever asks for it. */
  readonly maxAttempts: number
  /** Does the endpoint promise the order of keys? Then a wait may not let others of its key pass. */
  readonly ordered: boolean
  /** What is tried on instead of being given up: `all` where there is no dead-letter place. */
  readonly blocks: 'nothing' | 'exhausted' | 'all'
  readonly telemetry: Telemetry
  /**
   * Resolves when a copy is confirmed at the dead-letter place, or the message may be dropped; `discard` asks for the native way, `retry` for the native limit.
   * Keeps trying until it can, and answers `hold` when the consumer closes before: the message is still the broker's then. Never rejects.
   */
  readonly giveUp: (task: Task, directive: Directive) => Promise<'ack' | 'discard' | 'retry' | 'hold'>
}

/** What a decider does its work with. */
export interface DeciderHost {
  settle(task: Task, outcome: Outcome, answer: Answer): void
  /** Starts the task again in `delayMs`. */
  hold(task: Task, delayMs: number): void
  /** Takes what waits behind the task out of its lane and gives it back unstarted. */
  releaseTail(task: Task): void
  /** What waits behind the task may start, at once or when its handler ends. */
  finishLane(task: Task): void
  /** The handler starts so far must outlive a native redelivery. */
  rememberAttempts(task: Task): void
  /** Work that a drain must wait for. */
  track(work: Promise<void>): void
  forget(task: Task): void
}

/** Wait before a message is tried again that is blocked, that nothing took, or whose policy does not say how long. */
export const blockedRetryMs = 30_000
/** Wait between deliveries of a message that only the broker can put aside. */
const unfitRetryMs = 1_000

/** Turns the end of a run, or a settle call, into what happens to the message: ack, another start here or by the broker, or the dead letters. */
export class Decider {
  readonly #options: DeciderOptions
  readonly #host: DeciderHost

  constructor(options: DeciderOptions, host: DeciderHost) {
    this.#options = options
    this.#host = host
  }

  /** Without a directive: ack. */
  decide(task: Task, directive: Directive | undefined, answer?: Answer): void {
    if (!directive) {
      this.#host.settle(task, { delivery: task.delivery, action: 'ack' }, answer)
      return
    }
    task.firstFailureAt ??= this.#options.clock.now()
    if (directive.action === 'retry') this.#retry(task, directive, answer)
    else this.#end(task, directive, answer)
  }

  #end(task: Task, directive: Directive, answer: Answer): void {
    const { blocks } = this.#options
    if (task.skipped !== undefined) this.skip(task, task.skipped)
    else if (blocks === 'all' || (blocks === 'exhausted' && directive.exhausted)) this.#block(task, directive, answer)
    else this.#giveUp(task, directive, answer)
  }

  /** Can this wait neither be held here nor given to the broker? */
  refuses(task: Task, delayMs: number): boolean {
    return this.#plan(task, delayMs) === 'refused'
  }

  #plan(task: Task, delayMs: number, holdMs: number | undefined = this.#options.holdMs): ReturnType<typeof planWait> {
    const { capabilities, clock, ordered } = this.#options
    return planWait(capabilities, ordered && task.lane !== undefined, delayMs, holdMs, clock.monotonic() - task.receivedAt)
  }

  #retry(task: Task, directive: Directive, answer: Answer): void {
    const { delayMs, error } = directive
    const exhausted = directive.counts && task.attempt >= this.#options.maxAttempts
    if (!directive.counts) {
      task.attempt--
      if (error !== undefined) this.#tell('tellWaiting', task, error)
    }
    if (!exhausted && !(delayMs >= 0 && delayMs < Infinity)) {
      this.#tell('tellInvalidWait', task, error)
      return this.#keep(task, answer)
    }
    if (directive.counts) task.previousWaitMs = delayMs
    if (!exhausted && this.wait(task, delayMs, answer)) return
    const reason = exhausted ? 'attempts exhausted' : `a wait of ${delayMs} ms fits nowhere`
    this.#end(task, new Directive('dead-letter', { reason, error, exhausted }), answer)
  }

  #tell(what: 'tellWaiting' | 'tellInvalidWait' | 'tellBlocked', task: Task, why: unknown): void {
    void load(this.#options.clock, 'telling').then((telling) => telling[what](this.#options, task, why))
  }

  /** Spends the wait before the next start where it can be; false where that is nowhere. */
  wait(task: Task, delayMs: number, answer?: Answer, holdMs?: number): boolean {
    const plan = this.#plan(task, delayMs, holdMs)
    if (plan === 'process') {
      this.#host.hold(task, delayMs)
      answer?.('accepted')
    } else if (plan === 'broker') {
      this.#retryAtBroker(task, delayMs, answer)
    } else if (plan === 'again') {
      // What is blocked shows itself by failing once more.
      if (!task.blocked) task.notBefore = this.#options.clock.monotonic() + delayMs
      this.#giveBack(task, answer)
    }
    return plan !== 'refused'
  }

  #retryAtBroker(task: Task, delayMs: number, answer: Answer): void {
    this.#host.rememberAttempts(task)
    const { lane } = task
    this.#host.settle(task, { delivery: task.delivery, action: 'retry', delayMs, attempt: task.attempt }, answer)
    // The broker holds the key back only if it also holds what came after the failed message: the head first, then its tail.
    if (lane && this.#options.capabilities.keyHold === 'broker') this.#host.releaseTail(task)
  }

  /** Unstarted ones behind it come again after it. */
  #giveBack(task: Task, answer: Answer): void {
    this.#host.rememberAttempts(task)
    this.#host.settle(task, { delivery: task.delivery, action: 'release' }, answer)
    this.#host.releaseTail(task)
  }

  #block(task: Task, directive: Directive, answer: Answer): void {
    if (!task.blocked) this.#tell('tellBlocked', task, directive.reason)
    task.blocked = directive
    this.#keep(task, answer)
  }

  /** Held here wherever the lease allows, whatever the policy does with its own waits: a message at the broker is neither listed nor can it be skipped. */
  #keep(task: Task, answer: Answer): void {
    if (!this.wait(task, blockedRetryMs, answer, blockedRetryMs)) this.#giveBack(task, answer)
  }

  /** To the dead letters, whatever is done with those whose attempts are used up. */
  skip(task: Task, reason: string): void {
    this.#giveUp(task, new Directive('dead-letter', { reason, error: task.blocked?.error }), undefined)
  }

  #giveUp(task: Task, directive: Directive, answer: Answer): void {
    task.phase = 'settling'
    this.#host.track(this.#write(task, directive, answer))
  }

  /** Delivered again until the broker gives it up. */
  #toTheLimit(task: Task, directive: Directive, answer: Answer): void {
    task.givenUp = directive
    // Its key goes on: what is behind it would be given back, and counted as delivered, as often as it comes itself.
    this.#host.finishLane(task)
    if (!this.wait(task, unfitRetryMs, answer, 0)) this.#giveBack(task, answer)
  }

  async #write(task: Task, directive: Directive, answer: Answer): Promise<void> {
    const action = await this.#options.giveUp(task, directive)
    task.deadLettered = action === 'ack' || action === 'discard'
    // Also where it comes too late: then a redelivery is acked instead of handled.
    if (action === 'ack' || (action === 'discard' && !task.lost)) return this.#host.settle(task, { delivery: task.delivery, action }, answer)
    if (task.lost) this.#host.forget(task)
    else if (action === 'hold') this.#host.hold(task, blockedRetryMs)
    else return this.#toTheLimit(task, directive, answer)
    answer?.('too-late')
  }
}
