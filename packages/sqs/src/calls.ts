import { isLoopback, type BrokerError, type LinkHealth, type Services } from '@busbar/core/driver'
import type { ErrorMapper } from './aws-errors.ts'
import type { SdkClient, SdkRequest } from './sdk-parts.ts'
import { ShortPath } from './short-path.ts'

/** What an error is thrown for: `Sending to orders`. */
export interface CallContext {
  readonly doing: string
  /** Ends the call at once, which then throws the signal's reason. */
  readonly signal?: AbortSignal
  /** When it says so, a failure is nobody's but of who has ended the call. */
  readonly isEnded?: () => boolean
}

export interface ShortPathTerms {
  readonly allowPlaintext: boolean
  /** May calls take the short path? Default true. */
  readonly allowed?: boolean
  /** When it says so, nothing leaves any more. */
  readonly isEnded?: () => boolean
}

const connected: LinkHealth = { state: 'connected' }

/** Calls to one service of AWS: counted, bounded in time, their errors mapped to `BrokerError`. None is repeated here. */
export class Calls {
  readonly #services: Services
  readonly #timeoutMs: number
  readonly #errors: ErrorMapper
  /** Inputs of calls that nobody waits for any more. */
  readonly #givenUp: WeakSet<object> = new WeakSet()
  #health: LinkHealth = connected

  constructor(services: Services, timeoutMs: number, errors: ErrorMapper) {
    this.#services = services
    this.#timeoutMs = timeoutMs
    this.#errors = errors
  }

  /** What the latest call found. */
  get health(): LinkHealth {
    return this.#health
  }

  /** `waitMs`: how long the service itself may take before it answers. */
  async call<T>(name: string, context: CallContext, run: (signal: AbortSignal) => Promise<T>, waitMs: number = 0): Promise<T> {
    context.signal?.throwIfAborted()
    const ending = new AbortController()
    return this.#answer(name, context, () => run(ending.signal), this.#timeoutMs + waitMs, ending)
  }

  /**
   * As {@link Calls.call}, of a client that ends a request by itself when no answer comes, and that is kept by {@link Calls.shortPath}: what else would end it costs as
   * much as a message or two. `input`: of the command.
   */
  async quickCall<T>(name: string, context: CallContext, input: object, run: () => Promise<T>, waitMs: number = 0): Promise<T> {
    context.signal?.throwIfAborted()
    return this.#answer(name, context, run, this.#timeoutMs + waitMs, { abort: () => void this.#givenUp.add(input) })
  }

  /**
   * The short path of a client that is ours. The client is kept from sending what was given up while it waited for credentials: when they come, that would be sent once more
   * for each attempt, and answered to nobody. And from sending in clear text, unless `allowPlaintext` is set: the SDK takes endpoints from the environment and the shared
   * configuration file, too. Before the client's first call.
   */
  shortPath(client: SdkClient, { allowPlaintext, allowed = true, isEnded = () => false }: ShortPathTerms): ShortPath {
    const refusal = (input: object, { protocol, hostname }: SdkRequest): Error | undefined => {
      if (isEnded() || this.#givenUp.has(input)) return new Error('Nobody waits for it any more')
      return protocol !== 'http:' || allowPlaintext || isLoopback(hostname) ? undefined : this.#clearText(hostname)
    }
    return new ShortPath(client, { refusal, allowed })
  }

  async #answer<T>(
    name: string,
    { doing, signal, isEnded }: CallContext,
    run: () => Promise<T>,
    timeoutMs: number,
    ending: { abort(reason: Error): void },
  ): Promise<T> {
    const { clock, meter } = this.#services
    // The SDK resolves credentials before it looks at a signal, so its promise alone does not end in time.
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const end = (reason: Error): void => {
      reject(reason)
      ending.abort(reason)
    }
    const onAbort = (): void => end(signal?.reason as Error)
    signal?.addEventListener('abort', onAbort, { once: true })
    const timer = clock.timer(clock.monotonic() + timeoutMs, () => end(this.#errors.make('ERR_UNAVAILABLE', `${doing}: no answer within ${timeoutMs} ms`)))
    meter(name, 1)
    try {
      clock.external(run()).then(resolve, reject)
      const answer = await promise
      this.#health = connected
      return answer
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      if (isEnded?.() === true) throw error
      throw this.#failure(error, doing)
    } finally {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #clearText(hostname: string): BrokerError {
    return this.#errors.make(
      'ERR_CONFIGURATION',
      `http to ${hostname} would send messages in clear text; use an endpoint with https, or set allowPlaintext: true`,
    )
  }

  #failure(error: unknown, doing: string): BrokerError {
    const failure = this.#errors.toBrokerError(error, doing)
    this.#health = failure.code === 'ERR_UNAVAILABLE' ? { state: 'reconnecting', error: failure } : connected
    return failure
  }
}
