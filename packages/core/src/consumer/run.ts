import type { Clock } from '../clock.ts'
import type { Capabilities } from '../driver/capabilities.ts'
import type { Incoming } from '../driver/receiver.ts'
import type { HandlerContext, Settlement } from '../message.ts'
import type { ProcessContext } from '../middleware/types.ts'
import type { Directive } from '../outcome.ts'
import { ReceivedMessage } from './received-message.ts'
import type { EngineOptions } from './engine-options.ts'
import type { Suspensions } from './suspensions.ts'
import type { Task } from './task.ts'

/** What a run needs from its consumer. */
export interface RunHost {
  readonly options: Pick<EngineOptions, 'source' | 'capabilities' | 'clock' | 'random' | 'freshId' | 'suspensions'>
  /** `undefined`: ack. */
  settleNow(run: Run, directive: Directive | undefined): Promise<Settlement>
  extendNow(run: Run, ms: number): Promise<Settlement>
}

/** One start of a handler for one task: the context that middleware and handler see. */
export class Run implements ProcessContext, HandlerContext {
  readonly task: Task
  readonly host: RunHost
  /** The receipt's message, or what middleware have made of it; an adopted redelivery does not change it under a running handler. */
  incoming: Incoming
  readonly attempt: number
  body: unknown = undefined
  /** The handler has returned or thrown. */
  ended = false
  /** The outcome that was given by a settle call. */
  settled: 'ack' | 'retry' | 'dead-letter' | undefined = undefined
  /** Called when an outcome is given by a settle call; lets an iterator end the run. */
  onDecided: (() => void) | undefined = undefined
  /** Called when the signal fires; spares whoever only passes messages on a signal for each. */
  onAborted: ((reason: Error) => void) | undefined = undefined
  /** What to do with the lane when the run ends, if its outcome came before. */
  atEnd: 'nothing' | 'finish-lane' | 'run-again' = 'nothing'
  #message: ReceivedMessage | undefined = undefined
  #controller: AbortController | undefined = undefined
  #abortReason: Error | undefined = undefined
  #cancelReason: Error | undefined = undefined

  constructor(task: Task, host: RunHost, attempt: number) {
    this.task = task
    this.host = host
    this.incoming = task.delivery.incoming
    this.attempt = attempt
  }

  get message(): ReceivedMessage {
    return (this.#message ??= new ReceivedMessage(this))
  }

  get previousWaitMs(): number | undefined {
    return this.task.previousWaitMs
  }

  get source(): string {
    return this.host.options.source
  }

  get capabilities(): Capabilities {
    return this.host.options.capabilities
  }

  get clock(): Clock {
    return this.host.options.clock
  }

  get random(): () => number {
    return this.host.options.random
  }

  /** Why its signal has fired. */
  get reason(): Error | undefined {
    return this.#abortReason ?? this.#cancelReason
  }

  // Made on first use: an AbortController costs more than everything else that is done for a message.
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      const { reason } = this
      if (reason) this.#controller.abort(reason)
    }
    return this.#controller.signal
  }

  get aborted(): boolean {
    return this.#abortReason !== undefined
  }

  abort(reason: Error): void {
    if (this.ended || this.#abortReason) return
    this.#abortReason = reason
    this.#controller?.abort(reason)
    this.onAborted?.(reason)
  }

  cancel(reason: Error): void {
    if (this.ended || this.#cancelReason) return
    this.#cancelReason = reason
    this.#controller?.abort(reason)
    this.onAborted?.(reason)
  }

  suspend(onEnded?: () => void): () => void {
    return (this.host.options.suspensions as Suspensions).hold(onEnded)
  }
}
