import { BrokerError, Directive, type Clock, type ProcessContext } from '@busbar/core'
import { Sweep } from '@busbar/core/driver'
import { tell } from '../support/tell.ts'
import { LinkedList, type Linked } from '../support/linked-list.ts'
import type { Overrun } from './timeout.ts'

export interface AttemptLimits {
  readonly ms: number
  readonly abandonAfterMs: number | undefined
  readonly onOverrun: ((overrun: Overrun) => void) | undefined
}

/** How long a handler may take to notice that its signal has fired. */
const graceMs = 1_000

/** Most attempts end soon. Until one has run for so long, the timer is not set to its deadline but left to wake for nothing: setting and cancelling one costs more than a message. */
const shortMs = 100

class Attempt implements Linked<Attempt> {
  previous: Attempt | undefined = undefined
  next: Attempt | undefined = undefined
  readonly context: ProcessContext
  readonly startedAt: number
  /** The step that comes next; −1 when there is none. */
  step = -1
  /** When that step is due. */
  dueAt = 0
  /** Present when it has taken too long. */
  error: BrokerError | undefined = undefined
  /** Fails the attempt while its handler runs on. */
  abandon: ((error: BrokerError) => void) | undefined = undefined

  constructor(context: ProcessContext, startedAt: number) {
    this.context = context
    this.startedAt = startedAt
  }
}

/** What happens to an attempt that has not ended `afterMs` after the step before, or after its start. Not after a fixed time: clocks jump, and handlers need theirs. */
interface Step {
  readonly afterMs: number
  readonly take: (attempt: Attempt, now: number) => void
  /** Those that have this step before them, in the order in which it comes due: only the first ones need to be looked at. */
  readonly waiting: LinkedList<Attempt>
}

/** All attempts that run on one clock, with one timer, which runs only while they do. */
export class Attempts {
  readonly #clock: Clock
  readonly #limits: AttemptLimits
  readonly #steps: readonly Step[]
  readonly #sweep: Sweep
  /** Attempts that have a step before them. */
  #watched = 0
  /** The timer is set to a deadline. */
  #set = false

  constructor(clock: Clock, limits: AttemptLimits) {
    this.#clock = clock
    this.#limits = limits
    this.#steps = this.#stepsOf(limits)
    this.#sweep = new Sweep(clock, (now) => this.#look(now))
  }

  watch(context: ProcessContext, work: Promise<unknown>): Promise<unknown> {
    const attempt = new Attempt(context, this.#clock.monotonic())
    this.#enter(attempt, 0, attempt.startedAt)
    this.#sweep.by(Math.min(attempt.dueAt, attempt.startedAt + shortMs))
    const ended = work.then(
      (value) => this.#returned(attempt, value),
      (error: unknown) => this.#threw(attempt, error),
    )
    if (this.#limits.abandonAfterMs === undefined) return ended
    return new Promise((resolve, reject) => {
      attempt.abandon = reject
      // Later than an abandonment, neither does anything.
      ended.then(resolve, reject)
    })
  }

  #stepsOf({ ms, abandonAfterMs, onOverrun }: AttemptLimits): Step[] {
    const step = (afterMs: number, take: Step['take']): Step => ({ afterMs, take, waiting: new LinkedList() })
    const steps = [step(ms, (attempt) => this.#fire(attempt))]
    const reports = onOverrun !== undefined && (abandonAfterMs === undefined || abandonAfterMs > graceMs)
    if (reports) steps.push(step(graceMs, (attempt, now) => this.#report(attempt, now, false)))
    if (abandonAfterMs !== undefined) steps.push(step(abandonAfterMs - (reports ? graceMs : 0), (attempt, now) => this.#giveUp(attempt, now)))
    return steps
  }

  #enter(attempt: Attempt, index: number, now: number): void {
    const step = this.#steps[index]
    if (step === undefined) return
    attempt.step = index
    attempt.dueAt = now + step.afterMs
    step.waiting.add(attempt)
    this.#watched++
  }

  #leave(attempt: Attempt): void {
    if (attempt.step < 0) return
    this.#steps[attempt.step]?.waiting.remove(attempt)
    attempt.step = -1
    if (--this.#watched > 0 || !this.#set) return
    // A timer that nobody needs would hold the process open.
    this.#set = false
    this.#sweep.cancel()
  }

  /** Last steps first: between two steps of an attempt its handler gets a chance to end. */
  #look(now: number): number {
    for (let index = this.#steps.length - 1; index >= 0; index--) this.#takeDue(index, now)
    this.#set = this.#watched > 0
    return Math.min(...this.#steps.map(({ waiting }) => waiting.first?.dueAt ?? Infinity))
  }

  #takeDue(index: number, now: number): void {
    const { take, waiting } = this.#steps[index] as Step
    for (let attempt = waiting.first; attempt !== undefined && attempt.dueAt <= now; attempt = waiting.first) {
      this.#leave(attempt)
      // Lost, or at the end of its drain: it is no longer ours to time.
      if (attempt.context.aborted) continue
      this.#enter(attempt, index + 1, now)
      take(attempt, now)
    }
  }

  #fire(attempt: Attempt): void {
    attempt.error = this.#tooLong(attempt.context, undefined)
    attempt.context.cancel(attempt.error)
  }

  #report({ context, startedAt }: Attempt, now: number, abandoned: boolean): void {
    tell(this.#limits.onOverrun, {
      source: context.source,
      messageId: context.incoming.id,
      orderingKey: context.incoming.key,
      attempt: context.attempt,
      runningMs: now - startedAt,
      abandoned,
    })
  }

  #giveUp(attempt: Attempt, now: number): void {
    attempt.abandon?.(attempt.error as BrokerError)
    this.#report(attempt, now, true)
  }

  #returned(attempt: Attempt, value: unknown): unknown {
    this.#leave(attempt)
    const { error, context } = attempt
    if (error === undefined || context.settled !== undefined || value instanceof Directive) return value
    throw error
  }

  #threw(attempt: Attempt, thrown: unknown): never {
    this.#leave(attempt)
    const { error, context } = attempt
    if (error === undefined || thrown instanceof Directive) throw thrown
    throw thrown === error ? error : this.#tooLong(context, thrown)
  }

  #tooLong({ source, incoming }: ProcessContext, cause: unknown): BrokerError {
    return new BrokerError('ERR_TIMEOUT', `The attempt has taken longer than ${this.#limits.ms} ms.`, {
      destination: source,
      ...(incoming.id === undefined ? {} : { messageId: incoming.id }),
      ...(cause === undefined ? {} : { cause }),
    })
  }
}
