import { Directive, type ProcessContext } from '@busbar/core'
import type { Timer } from '@busbar/core/driver'
import { tell } from '../support/tell.ts'
import type { CircuitChange, CircuitState } from './circuit-breaker.ts'
import { ResultWindow } from './result-window.ts'

export interface CircuitLimits {
  /** Opens at so many failures in the window. Infinity: only the rate counts. */
  readonly failures: number
  /** Opens at this part of the results in the window; 2: only the number counts. */
  readonly failureRate: number
  /** The rate counts from so many results on. */
  readonly minimum: number
  readonly windowMs: number
  readonly openMs: number
  readonly probes: number
  readonly onChange: ((change: CircuitChange) => void) | undefined
}

interface Hold {
  release: (() => void) | undefined
}

/** Which attempts may begin, and what their results make of it. What it asks of consumers is held by suspensions, so that nothing is handed back or counted. */
export class Circuit {
  readonly #limits: CircuitLimits
  readonly #window: ResultWindow
  #state: CircuitState = 'closed'
  /** Results of attempts that began before the last change say nothing about the present. */
  #era = 0
  /** Suspensions of consumers. */
  readonly #holds: Set<Hold> = new Set()
  /** Runs while anybody is suspended. */
  #timer: Timer | undefined
  /** When it is due. */
  #wakeAt = 0
  /** Probes that have begun, as far as they keep others from beginning. */
  #probing = 0
  #succeeded = 0

  constructor(limits: CircuitLimits) {
    this.#limits = limits
    this.#window = new ResultWindow(limits.windowMs)
  }

  get state(): CircuitState {
    return this.#state
  }

  /** The era to give back with the result, or what to do instead of beginning. */
  begin(context: ProcessContext): number | Directive {
    if (this.#state === 'closed') return this.#era
    // All that it held back had ended, so that no timer ran.
    if (this.#timer === undefined && this.#state === 'open' && context.clock.monotonic() >= this.#wakeAt) this.#halfOpen()
    if (this.#state === 'half-open' && this.#probing < this.#limits.probes) {
      if (++this.#probing === this.#limits.probes) this.#stopAtProbes(context)
      return this.#era
    }
    this.#suspend(context)
    // At once, as far as it is concerned: it starts when its consumer goes on. No wait that would have to be held or given to the broker, and no attempt.
    return new Directive('retry', { delayMs: 0, counts: false })
  }

  /** `undefined`: the attempt says nothing about what is protected. */
  end(era: number, context: ProcessContext, failed: boolean | undefined): void {
    if (era !== this.#era) return
    if (this.#state === 'half-open') this.#probed(context, failed)
    else if (failed !== undefined) this.#count(context, failed)
  }

  reset(): void {
    if (this.#state !== 'closed') this.#close()
  }

  #count(context: ProcessContext, failed: boolean): void {
    const { failures, failureRate, minimum } = this.#limits
    const window = this.#window
    // Where only the number of failures counts, a success need not be dated.
    if (!failed && failureRate > 1) return
    window.add(context.clock.monotonic(), failed)
    if (!failed) return
    if (window.failures >= failures || (window.results >= minimum && window.failures / window.results >= failureRate)) this.#open(context)
  }

  #probed(context: ProcessContext, failed: boolean | undefined): void {
    if (failed === true) {
      this.#open(context)
    } else if (failed === false) {
      if (++this.#succeeded >= this.#limits.probes) this.#close()
    } else if (this.#probing > 0) {
      this.#probing--
      this.#letOthersProbe()
    }
  }

  #open(context: ProcessContext): void {
    this.#become('open')
    this.#wakeAt = context.clock.monotonic() + this.#limits.openMs
    this.#suspend(context)
    this.#tell('open')
  }

  #halfOpen(): void {
    this.#become('half-open')
    this.#tell('half-open')
    this.#goOn()
  }

  #close(): void {
    this.#become('closed')
    this.#tell('closed')
    this.#goOn()
  }

  #become(state: CircuitState): void {
    this.#state = state
    this.#era++
    this.#probing = 0
    this.#succeeded = 0
    this.#window.clear()
    this.#rest()
  }

  /** Nothing more starts here while the probes run; but one that hangs must not stop everything for ever. */
  #stopAtProbes(context: ProcessContext): void {
    this.#wakeAt = context.clock.monotonic() + this.#limits.openMs
    this.#suspend(context)
  }

  #letOthersProbe(): void {
    this.#rest()
    this.#goOn()
  }

  #suspend(context: ProcessContext): void {
    const hold: Hold = { release: undefined }
    this.#holds.add(hold)
    hold.release = context.suspend(() => this.#ended(hold))
    if (this.#holds.size > 0) this.#timer ??= context.clock.timer(this.#wakeAt, this.#wake)
  }

  /** A consumer has. A timer for nobody would hold the process open. */
  #ended(hold: Hold): void {
    this.#holds.delete(hold)
    if (this.#holds.size === 0) this.#rest()
  }

  readonly #wake = (): void => {
    this.#timer = undefined
    if (this.#state === 'open') {
      this.#halfOpen()
    } else {
      this.#probing = 0
      this.#letOthersProbe()
    }
  }

  #rest(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** What starts on the way may suspend anew. */
  #goOn(): void {
    const holds = [...this.#holds]
    this.#holds.clear()
    for (const { release } of holds) release?.()
  }

  #tell(state: CircuitState): void {
    tell(this.#limits.onChange, { state })
  }
}
