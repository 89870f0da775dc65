import type { Clock } from '../clock.ts'
import type { Capabilities } from '../driver/capabilities.ts'
import type { SendChain } from '../middleware/compose.ts'
import type { SendContext, SendReceipt } from '../middleware/types.ts'
import type { Encoded } from './encoder.ts'
import type { PendingSend, SendObserver } from './pending.ts'
import type { ProducerEngine } from './producer-engine.ts'

export interface PrepareOptions {
  readonly destination: string
  readonly engine: ProducerEngine
  /** `undefined` if there is no middleware. */
  readonly chain: SendChain | undefined
  readonly clock: Clock
  readonly capabilities: () => Capabilities
}

/** Waits for the validation of a message and runs it through the send chain. The engine is told when it is ready to go, or that it never will be. */
export async function prepare(
  pending: PendingSend,
  { outgoing, validation }: Encoded,
  body: unknown,
  signal: AbortSignal | undefined,
  { engine, chain, destination, clock, capabilities }: PrepareOptions,
): Promise<void> {
  // Its deadline has passed, or the producer has closed, while this part was being loaded.
  if (pending.state === 'settled') return
  const observer = new PreparedSend(pending.observer)
  pending.observer = observer
  try {
    await validation
    if (!chain) {
      engine.prepared(pending, outgoing)
      return
    }
    const context: SendContext = { body, outgoing, destination, capabilities: capabilities(), clock, signal }
    const receipt = await chain(context, (last) => {
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

  constructor(outer: SendObserver) {
    this.#outer = outer
    // Middleware may have failed already and never look at it.
    this.#answer.promise.catch(() => undefined)
  }

  /** The engine's answer, for the innermost middleware. */
  chained(): Promise<SendReceipt> {
    this.#chained = true
    return this.#answer.promise
  }

  sent(pending: PendingSend, position: string | undefined): void {
    // Whatever middleware make of it.
    this.#stored = 'unknown'
    if (this.#chained) this.#answer.resolve(position === undefined ? { id: pending.outgoing.id } : { id: pending.outgoing.id, position })
    else this.finish(pending, position)
  }

  failed(pending: PendingSend, error: Error, stored: 'no' | 'unknown'): void {
    this.#stored = stored
    // Also for middleware that will call `next()` only now.
    this.#answer.reject(error)
    if (!this.#chained) this.finishFailed(pending, error)
  }

  finish(pending: PendingSend, position: string | undefined): void {
    if (this.#answered) return
    this.#answered = true
    this.#outer.sent(pending, position)
  }

  finishFailed(pending: PendingSend, error: Error): void {
    if (this.#answered) return
    this.#answered = true
    this.#outer.failed(pending, error, this.#stored)
  }
}
