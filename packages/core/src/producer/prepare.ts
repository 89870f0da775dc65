import type { Clock } from '../clock.ts'
import type { Capabilities } from '../driver/capabilities.ts'
import type { Outgoing } from '../driver/sender.ts'
import { BrokerError } from '../errors.ts'
import { checkOrder } from '../middleware/check-order.ts'
import { composeSend, type SendChain } from '../middleware/compose-send.ts'
import { sendOrder } from '../middleware/send-order.ts'
import type { SendContext, SendFunction, SendMiddleware, SendReceipt } from '../middleware/types.ts'
import type { Encoded } from './encoder.ts'
import type { PendingSend, SendObserver } from './pending.ts'
import type { ProducerEngine } from './producer-engine.ts'

export interface PreparerOptions {
  readonly destination: string
  readonly engine: ProducerEngine
  /** Outermost first. */
  readonly use: readonly (SendMiddleware | SendFunction)[]
  readonly clock: Clock
  readonly random: () => number
  readonly capabilities: () => Capabilities
}

/** Waits for the validation of messages and runs them through the send chain. */
export class Preparer {
  readonly #options: PreparerOptions
  readonly #chain: SendChain | undefined

  /** Throws `ERR_CONFIGURATION` for a chain in a wrong order, `ERR_UNSUPPORTED` for middleware that ask for more than the backend has. */
  constructor(options: PreparerOptions) {
    const { use, destination, capabilities } = options
    checkOrder(use, sendOrder)
    const missing = use.flatMap((middleware) => (typeof middleware === 'object' ? (middleware.check?.(capabilities()) ?? []) : []))
    if (missing.length > 0) throw new BrokerError('ERR_UNSUPPORTED', `${destination}: ${missing.join('; ')}`, { destination })
    this.#options = options
    this.#chain = use.length === 0 ? undefined : composeSend(use)
  }

  /** The engine is told when the message is ready to go, or that it never will be. */
  async prepare(pending: PendingSend, { outgoing, validation }: Encoded, body: unknown): Promise<void> {
    // Its deadline has passed, or the producer has closed, while this part was being loaded.
    if (pending.state === 'settled') return
    const { engine } = this.#options
    const observer = new PreparedSend(pending.observer)
    pending.observer = observer
    try {
      if (validation !== undefined) await validation
      if (!this.#chain) {
        engine.prepared(pending, outgoing)
        return
      }
      const context = new Context(body, outgoing, this.#options, observer)
      const receipt = await this.#chain(context, (last) => {
        const answer = observer.chained()
        engine.prepared(pending, last.outgoing)
        return answer
      })
      engine.cancel(pending)
      // A middleware that forgets to return the receipt has sent the message all the same.
      observer.finish(pending, (receipt as SendReceipt | undefined)?.position)
    } catch (error) {
      engine.cancel(pending)
      observer.finishFailed(pending, error as Error)
    }
  }
}

/** A class, because an object with a getter of its own costs more than all else here. */
class Context implements SendContext {
  readonly body: unknown
  outgoing: Outgoing
  readonly destination: string
  readonly capabilities: Capabilities
  readonly clock: Clock
  readonly random: () => number
  readonly #observer: PreparedSend

  constructor(body: unknown, outgoing: Outgoing, { destination, capabilities, clock, random }: PreparerOptions, observer: PreparedSend) {
    this.body = body
    this.outgoing = outgoing
    this.destination = destination
    this.capabilities = capabilities()
    this.clock = clock
    this.random = random
    this.#observer = observer
  }

  get signal(): AbortSignal {
    return this.#observer.signal
  }
}

/**
 * Between the engine and the caller while a message is prepared. Before hand-over the engine's answer (deadline, abort, close) is the caller's;
 * after it, it goes to the middleware, and what they make of it to the caller.
 */
class PreparedSend implements SendObserver {
  readonly #outer: SendObserver
  readonly #answer: PromiseWithResolvers<SendReceipt> = Promise.withResolvers()
  #chained = false
  #answered = false
  #stored: 'no' | 'unknown' = 'no'
  #controller: AbortController | undefined
  #ended: Error | undefined

  constructor(outer: SendObserver) {
    this.#outer = outer
  }

  /** For middleware that wait before they call `next()`: once the caller has an answer, there is nothing to wait for. Made on first use. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#ended) this.#controller.abort(this.#ended)
    return this.#controller.signal
  }

  /** The engine's answer, for the innermost middleware. */
  chained(): Promise<SendReceipt> {
    this.#chained = true
    // Until the engine answers: a middleware that fails meanwhile does not take it back.
    this.#stored = 'unknown'
    return this.#answer.promise
  }

  sent(pending: PendingSend, position: string | undefined): void {
    // Whatever middleware make of it.
    this.#stored = 'unknown'
    if (this.#chained) this.#answer.resolve(position === undefined ? { id: pending.outgoing.id } : { id: pending.outgoing.id, position })
    else this.finish(pending, position)
  }

  failed(pending: Pick<PendingSend, 'index'>, error: Error, stored: 'no' | 'unknown'): void {
    this.#stored = stored
    // Middleware may have failed already and never look at it.
    this.#answer.promise.catch(() => undefined)
    // Also for middleware that will call `next()` only now.
    this.#answer.reject(error)
    if (this.#chained) return
    this.#ended = error
    this.#controller?.abort(error)
    this.finishFailed(pending, error)
  }

  finish(pending: PendingSend, position: string | undefined): void {
    if (this.#answered) return
    this.#answered = true
    this.#outer.sent(pending, position)
  }

  finishFailed(pending: Pick<PendingSend, 'index'>, error: Error): void {
    if (this.#answered) return
    this.#answered = true
    this.#outer.failed(pending, error, this.#stored)
  }
}
