import type { BlockedKeys } from '../consumer/blocked-keys-types.ts'
import type { RunningConsumer } from '../consumer/consumer.ts'
import { checkConsumeOptions } from '../consumer/flow.ts'
import { LazyIterable } from '../consumer/lazy-iterable.ts'
import type { Run } from '../consumer/run.ts'
import type { Consumer, ConsumeBatchesOptions, ConsumeOptions, MessagesOptions } from '../consumer/types.ts'
import { sourceDeadLetters } from '../dead-letters/source-dead-letters.ts'
import type { DeadLetters } from '../dead-letters/types.ts'
import { destinationOf, labelOf } from '../definitions/parts-of.ts'
import type { AnyDefinition, AnyDestination, AnyQueue, AnySource, AnySourceQueue, Subscription } from '../definitions/types.ts'
import { drainTimeoutOf } from '../drain-timeout.ts'
import type { MaybePromise } from '../driver/index.ts'
import { BrokerError, isBrokerError } from '../errors.ts'
import type { Message } from '../message.ts'
import { load, loadEverything } from '../lazy.ts'
import { kindOf } from '../kind-of.ts'
import { assertKnownKeys, suggestion, unknownOption } from '../nearest.ts'
import type { Producer, ProducerOptions } from '../producer/types.ts'
import type { OpenRequests } from '../reply/send-request.ts'
import { unlessAborted, endedWithin } from '../waiting.ts'
import { checkKeys, commonChecks, fail, hasFunctions, isFunction, isObject, type Check } from './check-options.ts'
import { closeLinks, openConnection, type Connection } from './connection.ts'
import type { Operations } from './operations.ts'
import { makePlan, twice, type Plan, type Planned } from './plan.ts'
import { Producers } from './producers.ts'
import { hooks, makeRuntime, type Runtime } from './runtime.ts'
import type { StartConsumerOptions } from './start-consumer.ts'
import type {
  BatchHandler,
  Broker,
  BrokerOptions,
  Handler,
  HealthReport,
  ProvisionMode,
  ProvisionResult,
  RequestOptions,
  SourceStats,
  StatsOptions,
} from './types.ts'

const isClock = hasFunctions('a clock', 'now', 'monotonic', 'timer', 'external')
const checks: Readonly<Record<string, Check>> = {
  ...commonChecks(hasFunctions('a driver, such as memory()', 'capabilities', 'address', 'connect')),
  destinations: isDefinitions,
  naming: isFunction,
  clock: isClock,
  random: isFunction,
  log: isFunction,
  telemetry: isTelemetry,
}
/** How long a driver may take to notice that it shall no longer connect. */
const graceMs = 1_000

/**
 * A broker for the destinations of a program. Nothing is connected until `start`, the first send or the first consume.
 * Throws `ERR_CONFIGURATION` for unknown, wrong and contradictory options, naming the nearest that is known.
 */
export function createBroker(options: BrokerOptions): Broker {
  // Absent ones are wrong too.
  checkKeys('createBroker', { ...options, driver: options.driver ?? null, destinations: options.destinations ?? null }, checks, ': ')
  return new ConnectedBroker(options)
}

class ConnectedBroker implements Broker {
  readonly #options: BrokerOptions
  readonly #plan: Plan
  readonly #runtime: Runtime
  readonly #producers: Producers
  /** By the definitions that stand for them. */
  readonly #deadLetterPlaces: Map<unknown, Planned> = new Map()
  readonly #consumers: Set<RunningConsumer> = new Set()
  readonly #requests: OpenRequests = { count: 0 }
  /** Those that are starting. */
  readonly #beginning: Set<Promise<Consumer>> = new Set()
  /** Sources whose last consumer has failed for good. */
  readonly #failed: Set<Planned> = new Set()
  /** Fires when the broker begins to end: nothing more starts. */
  readonly #stopping: AbortController = new AbortController()
  /** Fires when the broker waits for nothing any more. */
  readonly #closing: AbortController = new AbortController()
  #started: Promise<Connection> | undefined
  #state: HealthReport['state'] = 'idle'
  #ending: Promise<void> | undefined
  /** Resolves when a drain is cut short. */
  readonly #hurried: PromiseWithResolvers<void> = Promise.withResolvers()

  constructor(options: BrokerOptions) {
    this.#options = options
    this.#runtime = makeRuntime(options)
    this.#plan = makePlan(options)
    this.#producers = new Producers(this.#runtime, () => void this.#connect().catch(() => undefined))
  }

  async start(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    assertKnownKeys('start', options, ['signal'])
    options.signal?.throwIfAborted()
    await unlessAborted(this.#connect(), options.signal)
  }

  producer(destination: unknown, options?: ProducerOptions): Producer<never> {
    return this.#producers.typed(destination as AnyDestination, this.#destination(destination as AnyDestination), options)
  }

  async consume(source: unknown, handler: Handler<never>, options: ConsumeOptions = {}): Promise<Consumer> {
    checkHandler('consume', handler)
    return this.#consume(source as AnySource, (run) => handler(run.message as never, run), options)
  }

  async consumeBatches(source: unknown, handler: BatchHandler<never>, options: ConsumeBatchesOptions = {}): Promise<Consumer> {
    checkHandler('consumeBatches', handler)
    return (await this.#operations()).consumeBatches(source as AnySource, handler, options)
  }

  messages(source: unknown, options: MessagesOptions = {}): AsyncIterable<Message<never, never>> & AsyncDisposable {
    return new LazyIterable(async () => (await this.#operations()).messages(source as AnySource, options))
  }

  async request(destination: unknown, body: unknown, options: RequestOptions = {}): Promise<never> {
    const planned = this.#destination(destination as AnyQueue)
    return (await (await this.#operations()).request(destination as AnyQueue, planned, body, options)) as never
  }

  deadLetters<S>(given: S): DeadLetters<Extract<S, AnySource>> {
    const source = given as AnySource
    const planned = this.#source(source)
    const { deadLetter } = planned
    if (typeof deadLetter !== 'object')
      throw new BrokerError('ERR_CONFIGURATION', `${planned.label} has no dead-letter place: its route says deadLetter: '${deadLetter}'.`)
    return sourceDeadLetters(this.#deadLetterQueue(destinationOf(source), deadLetter), async () => {
      const connection = await this.#connect()
      const { DeadLetterOperations } = await load(this.#runtime.clock, 'deadLetters')
      const find = (destination: AnyDestination): Planned => this.#destination(destination)
      return new DeadLetterOperations({ connection, plan: this.#plan, source: planned, place: deadLetter, producers: this.#producers, find }, this.#runtime)
    })
  }

  blockedKeys(source: unknown): BlockedKeys {
    const planned = this.#source(source as AnySource)
    return {
      list: async () => (await this.#operations()).blockedKeys(planned).list(),
      retry: async (options = {}) => (await this.#operations()).blockedKeys(planned).retry(options),
      skip: async (options = {}) => (await this.#operations()).blockedKeys(planned).skip(options),
    }
  }

  async provision(options: { readonly mode?: ProvisionMode; readonly signal?: AbortSignal } = {}): Promise<ProvisionResult> {
    return (await this.#operations()).provision(!this.#started, options)
  }

  async stats(source: unknown, options?: StatsOptions): Promise<SourceStats> {
    const planned = this.#source(source as AnySource)
    return (await this.#operations()).stats(planned, options)
  }

  async health(): Promise<HealthReport> {
    return (await this.#operations()).health(this.#state, this.#started, this.#failed.size > 0)
  }

  async idle(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    return (await this.#operations()).idle(options)
  }

  async drain(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const timeoutMs = drainTimeoutOf(options)
    return (this.#ending ??= this.#end(timeoutMs))
  }

  close(): Promise<void> {
    for (const consumer of this.#consumers) void consumer.close()
    this.#hurried.resolve()
    return (this.#ending ??= this.#end(0))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }

  async #operations(): Promise<Operations> {
    const { Operations } = await load(this.#runtime.clock, 'operations')
    return new Operations({
      plan: this.#plan,
      runtime: this.#runtime,
      producers: this.#producers,
      consumers: this.#consumers,
      requests: this.#requests,
      connect: (mode) => this.#connect(mode),
      consume: (source, handler, options, onStop) => this.#consume(source, handler, options, onStop),
      closing: this.#closing.signal,
    })
  }

  // Starting

  #connect(mode: ProvisionMode = this.#options.provision ?? 'verify'): Promise<Connection> {
    if (this.#ending) return Promise.reject(closedError())
    return (this.#started ??= this.#open(mode))
  }

  async #open(mode: ProvisionMode): Promise<Connection> {
    this.#state = 'starting'
    const { signal } = this.#closing
    try {
      if (this.#options.clock) await this.#options.clock.external(loadEverything())
      const connection = await openConnection(this.#plan, this.#runtime, mode, signal)
      if (signal.aborted) {
        await closeLinks(connection.links)
        throw closedError()
      }
      if (!this.#ending) this.#state = 'started'
      this.#producers.attach(connection)
      return connection
    } catch (caught) {
      const error: unknown = signal.aborted ? closedError() : caught
      this.#started = undefined
      if (this.#state === 'starting') this.#state = 'idle'
      this.#producers.failWaiting(
        isBrokerError(error) ? error : new BrokerError('ERR_UNAVAILABLE', `The broker could not start: ${String(error)}`, { cause: error }),
      )
      throw error
    }
  }

  async #consume(source: AnySource, handler: (run: Run) => MaybePromise<unknown>, options: ConsumeOptions, onStop?: () => void): Promise<Consumer> {
    const planned = this.#source(source)
    checkConsumeOptions(options)
    options.signal?.throwIfAborted()
    const signal = options.signal ? AbortSignal.any([this.#stopping.signal, options.signal]) : this.#stopping.signal
    const onEnded = (ended: RunningConsumer): void => void this.#consumers.delete(ended)
    const beginning = this.#begin({ source, planned, runtime: this.#runtime, producers: this.#producers, options, handler, onStop, signal, onEnded })
    this.#beginning.add(beginning)
    try {
      return await beginning
    } finally {
      this.#beginning.delete(beginning)
    }
  }

  async #begin(start: Omit<StartConsumerOptions, 'connection'>): Promise<Consumer> {
    const { planned, signal } = start
    const [connection, { startConsumer }] = await Promise.all([unlessAborted(this.#connect(), signal), load(this.#runtime.clock, 'consumers')])
    const consumer = await startConsumer({ ...start, connection })
    this.#consumers.add(consumer)
    this.#failed.delete(planned)
    void consumer.closed.catch(() => this.#failed.add(planned))
    if (!signal.aborted) return consumer
    await consumer.close()
    throw signal.reason
  }

  // Ending: consumers first, because their handlers send; then what is buffered; then the links.

  async #end(timeoutMs: number): Promise<void> {
    const { clock } = this.#runtime
    const deadline = clock.monotonic() + timeoutMs
    const before = this.#state
    this.#state = 'draining'
    this.#stopping.abort(closedError())
    if (timeoutMs === 0) this.#closing.abort(closedError())
    // Before anything is awaited: no handler may start after the call.
    const consumers = [...this.#consumers].map((consumer) => (timeoutMs > 0 ? consumer.drain({ timeoutMs }) : consumer.close()))
    const connection = await this.#connectionAtLast(deadline)
    await Promise.allSettled([...consumers, ...this.#beginning])
    if (timeoutMs > 0 && before !== 'idle') await this.#unlessHurried(this.#producers.flush(), deadline)
    await this.#producers.close(closedError())
    this.#closing.abort(closedError())
    if (connection) {
      await Promise.allSettled([...connection.requesters.values()].map((requester) => requester.close(closedError())))
      await closeLinks(connection.links)
    }
    this.#state = 'closed'
  }

  /** A start that something waits for to be sent is waited for, and if it does not come about, given up. */
  async #connectionAtLast(deadline: number): Promise<Connection | undefined> {
    let connection: Connection | undefined
    const starting = this.#started?.then((started) => void (connection = started))
    if (!starting) return undefined
    await this.#unlessHurried(starting, this.#producers.pending + this.#requests.count > 0 ? deadline : 0)
    if (connection) return connection
    this.#closing.abort(closedError())
    await endedWithin(this.#runtime.clock, starting, graceMs)
    return connection
  }

  #unlessHurried(work: Promise<unknown>, deadline: number): Promise<void> {
    const { clock } = this.#runtime
    return endedWithin(clock, Promise.race([work, this.#hurried.promise]), Math.max(1, deadline - clock.monotonic()))
  }

  // Looking up

  #destination(destination: AnyDestination): Planned {
    return this.#find('destination', destination, this.#plan.destinations)
  }

  #source(source: AnySource): Planned {
    return this.#find('source', source, this.#plan.sources)
  }

  #find<D>(what: 'destination' | 'source', given: D, planned: ReadonlyMap<D, Planned>): Planned {
    const found = planned.get(given) ?? this.#deadLetterPlaces.get(given)
    if (found) return found
    throw unlisted(
      what,
      given,
      [...planned.values()].map(({ label }) => label),
    )
  }

  /** The dead-letter queue as a definition like any other. */
  #deadLetterQueue(destination: AnyDestination, place: Planned): AnySourceQueue {
    for (const [queue, known] of this.#deadLetterPlaces) if (known === place) return queue as AnySourceQueue
    const { codec } = destination.options
    const queue: AnySourceQueue = Object.freeze({
      kind: 'queue',
      name: place.label,
      schema: destination.schema,
      reply: undefined,
      options: codec ? { codec } : {},
    })
    this.#deadLetterPlaces.set(queue, place)
    return queue
  }
}

function isDefinitions(path: string, value: unknown): void {
  if (!Array.isArray(value) || !value.every(isDefinition)) fail(`${path} must be a list of queues, topics, streams and subscriptions`)
}

function isDefinition(value: unknown): value is AnyDefinition {
  const { kind, name, options, of } = Object(value) as Partial<Record<keyof Subscription, unknown>>
  if (typeof name !== 'string' || Object(options) !== options) return false
  return kind === 'subscription' ? isDefinition(of) : kind === 'queue' || kind === 'topic' || kind === 'stream'
}

/** The members of a class may be anything; a function is meant as a hook. */
function isTelemetry(path: string, value: unknown): void {
  for (const [name, member] of Object.entries(isObject(path, value)) as [string, unknown][]) {
    const isHook = hooks.includes(name)
    if (isHook && member !== undefined) isFunction(`${path}.${name}`, member)
    if (!isHook && typeof member === 'function') fail(unknownOption(path, name, hooks))
  }
}

/** Why `given` cannot be used as a `what`. */
function unlisted(what: 'destination' | 'source', given: unknown, names: readonly string[]): Error {
  if (!isDefinition(given)) return new TypeError(`A ${what} is needed, as queue(name) makes one, not ${kindOf(given)}`)
  const name = labelOf(given)
  const { kind } = given
  if (what === 'destination' && kind === 'subscription') return new TypeError(`'${name}' is a subscription: send to its ${given.of.kind}`)
  if (what === 'source' && (kind === 'topic' || kind === 'stream')) return new TypeError(`'${name}' is a ${kind}: receive from ${kind}.subscription(name)`)
  if (names.includes(name)) twice(name)
  return new BrokerError('ERR_CONFIGURATION', `The ${what} '${name}' is not in the broker's destinations${suggestion(name, names)}`)
}

/** A handler that is none would fail for every message and send all of them to the dead letters. */
function checkHandler(what: string, handler: unknown): void {
  if (typeof handler !== 'function') throw new TypeError(`${what}: the handler must be a function, not ${kindOf(handler)}`)
}

function closedError(): BrokerError {
  return new BrokerError('ERR_CLOSED', 'The broker has been drained or closed: create a new one.')
}
