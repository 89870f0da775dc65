import type { Clock } from '../clock.ts'
import type { Incoming } from '../driver/receiver.ts'
import type { Replies } from '../driver/replies.ts'
import { BrokerError } from '../errors.ts'
import type { Logger } from '../broker/types.ts'
import { Sweep } from '../sweep.ts'

interface OpenRequest {
  readonly correlationId: string
  readonly destination: string
  readonly timeoutMs: number
  readonly answer: PromiseWithResolvers<Incoming>
  /** Monotonic milliseconds. */
  readonly deadline: number
}

/** The requests of one link that wait for a reply. Late and foreign replies are dropped and logged. */
export class Requester {
  readonly #replies: Replies
  readonly #clock: Clock
  readonly #log: Logger
  readonly #open: Map<string, OpenRequest> = new Map()
  readonly #deadlines: Sweep
  #address: Promise<string> | undefined

  constructor(replies: Replies, clock: Clock, log: Logger) {
    this.#replies = replies
    this.#clock = clock
    this.#log = log
    this.#deadlines = new Sweep(clock, (now) => this.#expire(now))
  }

  /** This process's reply address; opened on first use. */
  address(): Promise<string> {
    if (!this.#address) {
      const address = this.#replies.open((reply) => this.#arrived(reply))
      this.#address = address
      // The next request tries again.
      address.catch(() => (this.#address = undefined))
    }
    return this.#address
  }

  /** Call it before the request is sent: the reply may be faster than the confirmation. */
  expect(correlationId: string, destination: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<Incoming> {
    const answer = Promise.withResolvers<Incoming>()
    const deadline = this.#clock.monotonic() + timeoutMs
    this.#open.set(correlationId, { correlationId, destination, timeoutMs, answer, deadline })
    this.#deadlines.by(deadline)
    const onAbort = (): void => this.fail(correlationId, new DOMException('The request was aborted.', 'AbortError'))
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
    return answer.promise.finally(() => signal?.removeEventListener('abort', onAbort))
  }

  fail(correlationId: string, error: Error): void {
    this.#take(correlationId)?.answer.reject(error)
  }

  async close(error: BrokerError): Promise<void> {
    for (const correlationId of [...this.#open.keys()]) this.fail(correlationId, error)
    this.#deadlines.cancel()
    if (this.#address) await this.#replies.close()
  }

  #arrived(reply: Incoming): void {
    const request = reply.correlationId === undefined ? undefined : this.#take(reply.correlationId)
    if (request) request.answer.resolve(reply)
    else
      this.#log('warn', 'reply:dropped', { correlationId: reply.correlationId ?? null, why: 'nobody waits for it: it came too late, twice, or from elsewhere' })
  }

  #take(correlationId: string): OpenRequest | undefined {
    const request = this.#open.get(correlationId)
    this.#open.delete(correlationId)
    // No timer is left behind when nothing is waited for.
    if (this.#open.size === 0) this.#deadlines.cancel()
    return request
  }

  #expire(now: number): number {
    let next = Infinity
    for (const { correlationId, destination, timeoutMs, deadline } of this.#open.values()) {
      if (deadline > now) next = Math.min(next, deadline)
      else this.fail(correlationId, new BrokerError('ERR_TIMEOUT', `${destination} sent no reply within ${Math.round(timeoutMs)} ms.`, { destination }))
    }
    return next
  }
}
