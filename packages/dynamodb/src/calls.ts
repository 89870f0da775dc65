import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { isLoopback, jittered, sleep, type BrokerError, type Clock } from '@busbar/core/driver'
import { configuration, dynamoError, toBrokerError } from './errors.ts'
import { placeOf } from './key-names.ts'
import type { ResolvedOptions } from './options.ts'
import { ServiceTime } from './service-time.ts'
import { isUnmetCondition, TableApi, type Request, type RequestOptions } from './table-api.ts'

/** First and longest wait before a request is made again, in milliseconds. */
const firstWaitMs = 50
const longestWaitMs = 1_000
/** Time that must be left for another attempt, in milliseconds. */
const leastMs = 50

/** Where one call of the store stands. */
interface Call {
  readonly doing: string
  readonly endsAt: number
  readonly timeoutMs: number
  readonly signal: AbortSignal
  lastFailure: BrokerError | undefined
}

/**
 * Runs calls of the store, each within a time limit whatever the client's own settings are. A request that failed for a while, was throttled or got no answer
 * is made again until the time is up, which all operations of the store allow.
 */
export class Calls {
  readonly #options: ResolvedOptions
  readonly #clock: Clock
  readonly #time: ServiceTime
  readonly #running = new Set<Promise<unknown>>()
  readonly #closing = new AbortController()
  #client: DynamoDBClient | undefined
  #checked: Promise<void> | undefined

  constructor(options: ResolvedOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#time = new ServiceTime(options.clock)
    this.#client = options.client
  }

  /** `doing` begins the texts of errors: `claim`. Rejects with a `BrokerError`. */
  run<T>(doing: string, act: (api: TableApi) => Promise<T>): Promise<T> {
    const timed = async (api: TableApi): Promise<T> => {
      if (this.#time.stale) await api.get(placeOf(''))
      if (this.#time.stale)
        throw dynamoError('ERR_UNSUPPORTED', `${doing}: answers carry no Date, which leases run on; what is behind the endpoint is not DynamoDB`)
      return act(api)
    }
    return this.runUntimed(doing, this.#options.timeoutMs, timed)
  }

  /** For what needs no time of the service. */
  runUntimed<T>(doing: string, timeoutMs: number, act: (api: TableApi) => Promise<T>): Promise<T> {
    const running = this.#run(doing, timeoutMs, act)
    this.#running.add(running)
    const forget = (): void => void this.#running.delete(running)
    running.then(forget, forget)
    return running
  }

  /** Lets running calls finish, and ends the connections if the client is ours. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.allSettled(this.#running)
    if (this.#options.client === undefined) this.#client?.destroy()
  }

  async #run<T>(doing: string, timeoutMs: number, act: (api: TableApi) => Promise<T>): Promise<T> {
    if (this.#closing.signal.aborted) throw dynamoError('ERR_CLOSED', `${doing}: the store is closed`)
    const ending = new AbortController()
    const late = Promise.withResolvers<never>()
    const call: Call = { doing, timeoutMs, endsAt: this.#clock.monotonic() + timeoutMs, signal: ending.signal, lastFailure: undefined }
    const timer = this.#clock.timer(call.endsAt, () => late.reject(this.#lateError(call)))
    const api = new TableApi(
      (request) => this.#send(call, request),
      this.#options.table,
      () => this.#time.bounds(),
    )
    const acting = act(api)
    // When the time is up nobody waits for it any more.
    acting.catch(() => undefined)
    try {
      return await Promise.race([acting, late.promise])
    } finally {
      timer.cancel()
      ending.abort()
    }
  }

  async #send<T>(call: Call, request: Request<T>): Promise<T> {
    let waitMs = firstWaitMs
    for (;;) {
      if (call.signal.aborted) throw this.#lateError(call)
      try {
        return await this.#attempt(call, request)
      } catch (error) {
        if (isUnmetCondition(error)) throw error
        const failure = toBrokerError(error, call.doing, this.#options.table)
        call.lastFailure = failure
        // What could not end any more would leave nobody knowing whether it was carried out.
        if (!failure.retryable || call.endsAt - this.#clock.monotonic() < waitMs + leastMs) throw failure
      }
      await sleep(this.#clock, jittered(waitMs, this.#options.random), call.signal)
      waitMs = Math.min(longestWaitMs, waitMs * 2)
    }
  }

  /** One attempt has half of the time at most, so that a dead connection leaves time for another. */
  async #attempt<T>(call: Call, request: Request<T>): Promise<T> {
    const ending = new AbortController()
    const ended = Promise.withResolvers<never>()
    ended.promise.catch(() => undefined)
    const end = (): void => {
      // The SDK resolves credentials before it looks at a signal, so its promise alone does not end in time.
      ended.reject(dynamoError('ERR_TIMEOUT', `${call.doing}: no answer in time`))
      ending.abort()
    }
    const timer = this.#clock.timer(this.#clock.monotonic() + call.timeoutMs / 2, end)
    call.signal.addEventListener('abort', end, { once: true })
    const listen: RequestOptions['listen'] = (command) => listenTo(command, () => this.#clock.monotonic(), this.#time)
    try {
      const client = (this.#client ??= makeClient(this.#options))
      await (this.#checked ??= checkAttempts(client))
      return await Promise.race([this.#clock.external(request(client, { abortSignal: ending.signal, listen })), ended.promise])
    } finally {
      timer.cancel()
      call.signal.removeEventListener('abort', end)
    }
  }

  #lateError({ doing, timeoutMs, lastFailure }: Call): BrokerError {
    return lastFailure ?? dynamoError('ERR_TIMEOUT', `${doing}: no answer within ${timeoutMs} ms`)
  }
}

/** Sockets of a client of ours. */
const sockets = 256

function makeClient({ allowPlaintext, region, endpoint, credentials, timeoutMs }: ResolvedOptions): DynamoDBClient {
  const agent = { keepAlive: true, maxSockets: sockets }
  const client = new DynamoDBClient({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials !== undefined && { credentials }),
    // Calls repeat, within one limit for everything.
    maxAttempts: 1,
    requestHandler: { httpAgent: agent, httpsAgent: agent, connectionTimeout: timeoutMs / 2 },
  })
  if (!allowPlaintext) refuseClearText(client)
  return client
}

/** The SDK takes endpoints from the environment and the shared configuration file, too. */
function refuseClearText({ middlewareStack }: { readonly middlewareStack: unknown }): void {
  const middleware: Parameters<Stack['add']>[0] = (next) => (given) => {
    const { protocol, hostname = '' } = (given as { readonly request: { readonly protocol?: string; readonly hostname?: string } }).request
    if (protocol !== 'http:' || isLoopback(hostname)) return next(given)
    return Promise.reject(configuration(`http to ${hostname} would send values in clear text; use an endpoint with https, or set allowPlaintext: true`))
  }
  // Of the last step, where it is known where to.
  ;(middlewareStack as Stack).add(middleware, { step: 'deserialize', priority: 'low', name: 'busbarNoClearText' })
}

/** Attempts of the SDK multiply those made here. Throws `ERR_CONFIGURATION` for a client of the program's own that makes more than one. */
async function checkAttempts(client: { readonly config?: { readonly maxAttempts?: () => Promise<number> } }): Promise<void> {
  // One that only looks like a client may say nothing.
  const attempts = (await client.config?.maxAttempts?.()) ?? 1
  if (attempts > 1) throw configuration(`the client makes ${attempts} attempts of each call, which the store repeats as well; build it with maxAttempts: 1`)
}

interface RawAnswer {
  readonly response?: { readonly headers?: Readonly<Record<string, string | undefined>> }
}

interface Stack {
  add(middleware: (next: (input: unknown) => Promise<RawAnswer>) => (input: unknown) => Promise<RawAnswer>, options: object): void
}

/** On the command, not on the client, which may be somebody else's. Of the last step, so that errors have an answer too and every attempt counts for itself. */
function listenTo<C extends { readonly middlewareStack: unknown }>(command: C, now: () => number, time: ServiceTime): C {
  const stack = command.middlewareStack as Stack
  const middleware: Parameters<Stack['add']>[0] = (next) => async (input) => {
    const sentAt = now()
    const answer = await next(input)
    time.hear(answer.response?.headers?.['date'], sentAt)
    return answer
  }
  stack.add(middleware, { step: 'deserialize', priority: 'low', name: 'busbarServiceTime' })
  return command
}
