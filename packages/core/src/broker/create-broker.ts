import type { RunningConsumer } from '../consumer/consumer.ts'
import { LazyIterable } from '../consumer/lazy-iterable.ts'
import type { Run } from '../consumer/run.ts'
import type { Consumer, ConsumeBatchesOptions, ConsumeOptions, MessagesOptions } from '../consumer/types.ts'
import { SourceDeadLetters } from '../dead-letters/source-dead-letters.ts'
import type { DeadLetters } from '../dead-letters/types.ts'
import type { AnyDestination, AnyQueue, AnySource, AnySourceQueue } from '../definitions/types.ts'
import type { Capabilities, EndpointStats, Link, MaybePromise } from '../driver/index.ts'
import { BrokerError, isBrokerError } from '../errors.ts'
import type { Message } from '../message.ts'
import { lazy, loadEverything } from '../lazy.ts'
import { assertKnownKeys, suggestion } from '../nearest.ts'
import type { Producer, ProducerOptions } from '../producer/types.ts'
import { openConnection, provision, type Connection } from './connection.ts'
import { makePlan, type Plan, type Planned } from './plan.ts'
import { Producers } from './producers.ts'
import { makeRuntime, type Runtime } from './runtime.ts'
import { startConsumer } from './start-consumer.ts'
import type { BatchHandler, Broker, BrokerOptions, Handler, HealthReport, ProvisionMode, ProvisionResult, RequestOptions } from './types.ts'

const known = ['driver', 'destinations', 'routes', 'naming', 'emulate', 'provision', 'clock', 'random', 'log', 'telemetry'] as const
const defaultDrainMs = 30_000
const defaultIdleMs = 30_000

/**
 * A broker for the destinations of a program. Nothing is connected until `start`, the first send or the first consume.
 * Throws `ERR_CONFIGURATION` for contradictory options and `TypeError` for unknown ones.
 */
export function createBroker(options: BrokerOptions): Broker {
  assertKnownKeys('createBroker', options, known)
  return new ConnectedBroker(options)
}

class ConnectedBroker implements Broker {
  readonly #options: BrokerOptions
  readonly #plan: Plan
  readonly #runtime: Runtime
  readonly #producers: Producers
  readonly #consumers: Set<RunningConsumer> = new Set()
  readonly #closing: AbortController = new AbortController()
  #started: Promise<Connection> | undefined
  #state: HealthReport['state'] = 'idle'
  #ending: Promise<void> | undefined

  constructor(options: BrokerOptions) {
    this.#options = options
    this.#runtime = makeRuntime(options)
    this.#plan = makePlan(options)
    this.#producers = new Producers(this.#runtime, () => void this.#connect().catch(() => undefined))
  }

  async start(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    options.signal?.throwIfAborted()
    const aborted = Promise.withResolvers<never>()
    const onAbort = (): void => aborted.reject(options.signal?.reason as Error)
    options.signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await Promise.race([this.#connect(), aborted.promise])
    } finally {
      options.signal?.removeEventListener('abort', onAbort)
    }
  }

  producer(destination: unknown, options?: ProducerOptions): Producer<never> {
    return this.#producers.typed(destination as AnyDestination, this.#destination(destination as AnyDestination), options)
  }

  async consume(source: unknown, handler: Handler<unknown>, options: ConsumeOptions = {}): Promise<Consumer> {
    return this.#consume(source as AnySource, (run) => handler(run.message as never, run), options)
  }

  async consumeBatches(source: unknown, handler: BatchHandler<unknown>, options: ConsumeBatchesOptions = {}): Promise<Consumer> {
    const { batchSize = 100, lingerMs = 200, concurrency = 1, ...rest } = options
    if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 10_000)
      throw new RangeError(`consumeBatches: batchSize must be an integer from 1 to 10,000, not ${batchSize}`)
    if (!Number.isInteger(concurrency) || concurrency < 1 || batchSize * concurrency > 10_000) {
      throw new RangeError(`consumeBatches: concurrency must be an integer ≥ 1, and batchSize × concurrency at most 10,000, not ${batchSize} × ${concurrency}`)
    }
    if (!(lingerMs >= 0 && lingerMs <= 60_000)) throw new RangeError(`consumeBatches: lingerMs must be from 0 to 60,000, not ${lingerMs}`)
    const { BatchCollector } = await lazy.batches()
    const collector = new BatchCollector({ batchSize, lingerMs, clock: this.#runtime.clock, handler: handler as never })
    return this.#consume(source as AnySource, collector.join, { ...rest, concurrency: batchSize * concurrency })
  }

  messages(source: unknown, options: MessagesOptions = {}): AsyncIterable<Message<never>> & AsyncDisposable {
    const { maxInFlight = 32, ...rest } = options
    const begin = (handler: (run: Run) => Promise<unknown>): Promise<Consumer> =>
      this.#consume(source as AnySource, handler, { ...rest, concurrency: maxInFlight, maxInFlight })
    return new LazyIterable(async () => new (await lazy.iteration()).MessageIterator<never>(begin))
  }

  async request(destination: unknown, body: unknown, options: RequestOptions = {}): Promise<never> {
    const queue = destination as AnyQueue
    const planned = this.#destination(queue)
    const connection = await this.#connect()
    const { sendRequest } = await lazy.requests()
    return (await sendRequest({ queue, planned, connection, runtime: this.#runtime, engine: this.#producers.raw(planned) }, body, options)) as never
  }

  deadLetters<S extends AnySource>(source: S): DeadLetters<S> {
    const planned = this.#source(source)
    const { deadLetter } = planned
    if (typeof deadLetter !== 'object')
      throw new BrokerError('ERR_CONFIGURATION', `${planned.label} has no dead-letter place: its route says deadLetter: '${deadLetter}'.`)
    const destination = destinationOf(source)
    return new SourceDeadLetters<S>(this.#deadLetterQueue(destination, planned, deadLetter), this.#runtime, async () => {
      const { links, capabilities } = await this.#connect()
      const link = links.get(deadLetter.driver) as Link
      const canRedrive = capabilities.get(planned)?.redrive !== 'none'
      return {
        link,
        endpoint: deadLetter.endpoint,
        capabilities: capabilities.get(deadLetter) as Capabilities,
        back: canRedrive ? this.#producers.raw(planned) : undefined,
        source: planned.label,
      }
    })
  }

  async provision(options: { readonly mode?: ProvisionMode; readonly signal?: AbortSignal } = {}): Promise<ProvisionResult> {
    const mode = options.mode ?? 'create'
    const first = !this.#started
    const connection = await this.#connect(mode)
    return first ? connection.provisioned : provision(this.#plan, connection.links, mode, options.signal ?? this.#closing.signal)
  }

  async stats(source: AnySource, options: { readonly signal?: AbortSignal } = {}): Promise<EndpointStats> {
    const planned = this.#source(source)
    const { links } = await this.#connect()
    const link = links.get(planned.driver) as Link
    if (!link.stats) return { ready: undefined, inFlight: undefined, delayed: undefined, oldestAgeMs: undefined }
    return link.stats(planned.endpoint, options.signal ?? this.#closing.signal)
  }

  async health(): Promise<HealthReport> {
    const connection = this.#state === 'started' || this.#state === 'draining' ? await this.#started : undefined
    const links = connection ? [...connection.links].map(([driver, link]) => ({ ...link.health(), driver: driver.name })) : []
    return { ok: this.#state === 'started' && links.every((link) => link.state === 'connected'), state: this.#state, links }
  }

  async idle(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const connection = await this.#connect()
    const { untilIdle } = await lazy.idle()
    const held = (): number => [...this.#consumers].reduce((total, consumer) => total + consumer.stats.held, 0)
    const target = { plan: this.#plan, connection, producers: this.#producers, held, runtime: this.#runtime }
    await untilIdle(target, options.timeoutMs ?? defaultIdleMs, this.#closing.signal)
  }

  drain(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    return (this.#ending ??= this.#end(options.timeoutMs ?? defaultDrainMs))
  }

  close(): Promise<void> {
    for (const consumer of this.#consumers) void consumer.close()
    if (this.#ending) {
      void this.#producers.close(closedError())
      return this.#ending
    }
    return (this.#ending = this.#end(0))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }

  // Starting

  #connect(mode: ProvisionMode = this.#options.provision ?? 'verify'): Promise<Connection> {
    if (this.#ending) return Promise.reject(closedError())
    return (this.#started ??= this.#open(mode))
  }

  async #open(mode: ProvisionMode): Promise<Connection> {
    this.#state = 'starting'
    try {
      if (this.#options.clock) await this.#runtime.clock.external(loadEverything())
      const connection = await openConnection(this.#plan, this.#runtime, mode, this.#closing.signal)
      this.#state = 'started'
      this.#producers.attach(connection)
      return connection
    } catch (error) {
      this.#started = undefined
      if (this.#state === 'starting') this.#state = 'idle'
      this.#producers.failWaiting(
        isBrokerError(error) ? error : new BrokerError('ERR_UNAVAILABLE', `The broker could not start: ${String(error)}`, { cause: error }),
      )
      throw error
    }
  }

  async #consume(source: AnySource, handler: (run: Run) => MaybePromise<unknown>, options: ConsumeOptions): Promise<Consumer> {
    const planned = this.#source(source)
    options.signal?.throwIfAborted()
    const connection = await this.#connect()
    const consumer = await startConsumer({
      source,
      planned,
      connection,
      runtime: this.#runtime,
      producers: this.#producers,
      options,
      handler,
      signal: this.#closing.signal,
      onEnded: (ended) => this.#consumers.delete(ended),
    })
    this.#consumers.add(consumer)
    if (this.#ending) void consumer.close()
    return consumer
  }

  // Ending: consumers first, because their handlers send; then what is buffered; then the links.

  async #end(timeoutMs: number): Promise<void> {
    const { clock } = this.#runtime
    const deadline = clock.monotonic() + timeoutMs
    const before = this.#state
    this.#state = 'draining'
    const starting = this.#started
    if (timeoutMs === 0) this.#closing.abort(closedError())
    // Before anything is awaited: no handler may start after the call.
    const consumers = [...this.#consumers].map((consumer) => (timeoutMs > 0 ? consumer.drain({ timeoutMs }) : consumer.close()))
    const connection = await starting?.catch(() => undefined)
    await Promise.allSettled(consumers)
    if (timeoutMs > 0 && before !== 'idle') await this.#flush(Math.max(1, deadline - clock.monotonic()))
    await this.#producers.close(closedError())
    this.#closing.abort(closedError())
    if (connection) {
      await Promise.allSettled([...connection.requesters.values()].map((requester) => requester.close(closedError())))
      await Promise.allSettled([...connection.links.values()].map((link) => link.close()))
    }
    this.#state = 'closed'
  }

  async #flush(timeoutMs: number): Promise<void> {
    const { clock } = this.#runtime
    const expired = Promise.withResolvers<void>()
    const timer = clock.timer(clock.monotonic() + timeoutMs, () => expired.resolve())
    await Promise.race([this.#producers.flush(), expired.promise])
    timer.cancel()
  }

  // Looking up

  #destination(destination: AnyDestination): Planned {
    const planned = this.#plan.destinations.get(destination)
    if (!planned)
      throw unlisted(
        'destination',
        destination.name,
        [...this.#plan.destinations.keys()].map((known) => known.name),
      )
    return planned
  }

  #source(source: AnySource): Planned {
    const planned = this.#plan.sources.get(source) ?? this.#deadLetterSources.get(source)
    if (planned) return planned
    const name = source.kind === 'subscription' ? `${source.of.name}.${source.name}` : source.name
    throw unlisted(
      'source',
      name,
      [...this.#plan.sources.values()].map((known) => known.label),
    )
  }

  readonly #deadLetterSources: Map<AnySource, Planned> = new Map()

  /** The dead-letter queue as a definition like any other. There is no second dead-letter place: what fails there is tried until it succeeds. */
  #deadLetterQueue(destination: AnyDestination, planned: Planned, place: Planned): AnySourceQueue {
    for (const [queue, known] of this.#deadLetterSources) if (known.label === place.label) return queue as AnySourceQueue
    const { codec } = destination.options
    const queue: AnySourceQueue = Object.freeze({
      kind: 'queue',
      name: place.label,
      schema: destination.schema,
      reply: undefined,
      options: codec ? { codec } : {},
    })
    this.#deadLetterSources.set(queue, { ...place, definition: queue, deadLetter: 'block', route: planned.route })
    return queue
  }
}

function destinationOf(source: AnySource): AnyDestination {
  return source.kind === 'subscription' ? (source.of as AnyDestination) : source
}

function unlisted(what: string, name: string, names: readonly string[]): BrokerError {
  return new BrokerError('ERR_CONFIGURATION', `The ${what} '${name}' is not in the broker's destinations${suggestion(name, names)}`)
}

function closedError(): BrokerError {
  return new BrokerError('ERR_CLOSED', 'The broker has been drained or closed: create a new one.')
}
