import { checkedNumber } from '../checked-number.ts'
import type { AnyDestination } from '../definitions/types.ts'
import type { Capabilities } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import { assertKnownKeys } from '../nearest.ts'
import { Encoder } from '../producer/encoder.ts'
import { ProducerEngine } from '../producer/producer-engine.ts'
import { TypedProducer } from '../producer/producer.ts'
import type { ProducerOptions } from '../producer/types.ts'
import type { Connection } from './connection.ts'
import type { Planned } from './plan.ts'
import type { Runtime } from './runtime.ts'

const defaultTimeoutMs = 30_000
const defaultMaxBuffered = 10_000
const defaultMaxBufferedBytes = 64 * 1024 * 1024
const known = ['use', 'sendOrder', 'timeoutMs', 'lingerMs', 'maxBuffered', 'maxBufferedBytes'] as const

/** All producer engines of a broker: those of users, and those that write dead letters and redrive. */
export class Producers {
  readonly #runtime: Runtime
  readonly #ensureStarted: () => void
  readonly #engines: Map<ProducerEngine, Planned> = new Map()
  readonly #shared: Map<AnyDestination, TypedProducer> = new Map()
  readonly #raw: Map<Planned, ProducerEngine> = new Map()
  #connection: Connection | undefined
  #closed: BrokerError | undefined

  constructor(runtime: Runtime, ensureStarted: () => void) {
    this.#runtime = runtime
    this.#ensureStarted = ensureStarted
  }

  /** The producer of a destination; the shared one if no options are given. */
  typed(destination: AnyDestination, planned: Planned, options: ProducerOptions | undefined): TypedProducer {
    if (options === undefined) {
      const shared = this.#shared.get(destination) ?? this.#create(destination, planned, {})
      this.#shared.set(destination, shared)
      return shared
    }
    return this.#create(destination, planned, options)
  }

  /** The engine for messages that are encoded already; one per place. */
  raw(planned: Planned): ProducerEngine {
    const engine = this.#raw.get(planned) ?? this.#engine(planned, {})
    this.#raw.set(planned, engine)
    return engine
  }

  /** Messages accepted and not confirmed. */
  get pending(): number {
    let pending = 0
    for (const engine of this.#engines.keys()) pending += engine.pending
    return pending
  }

  attach(connection: Connection): void {
    this.#connection = connection
    for (const [engine, planned] of this.#engines) this.#attach(engine, planned, connection)
  }

  /** The start has failed: what waits for it fails with the same error; a later send tries again. */
  failWaiting(error: BrokerError): void {
    for (const engine of this.#engines.keys()) engine.failAll(error)
  }

  async flush(): Promise<void> {
    await Promise.all([...this.#engines.keys()].map((engine) => engine.flushed()))
  }

  async close(error: BrokerError): Promise<void> {
    this.#closed = error
    for (const engine of this.#engines.keys()) engine.close(error)
    await Promise.allSettled([...this.#engines.keys()].map((engine) => engine.closeSender()))
  }

  #create(destination: AnyDestination, planned: Planned, options: ProducerOptions): TypedProducer {
    checkOptions(options)
    const capabilities = (): Capabilities => this.#connection?.capabilities.get(planned) ?? declaredOf(planned)
    return new TypedProducer({
      ...this.#runtime,
      destination: destination.name,
      keyed: planned.endpoint.keyed,
      parameters: planned.endpoint.parameters,
      encoder: new Encoder({ ...this.#runtime, destination }),
      engine: this.#engine(planned, options),
      timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
      use: options.use ?? [],
      capabilities,
      ensureStarted: this.#ensureStarted,
    })
  }

  #engine(
    planned: Planned,
    { sendOrder, lingerMs = 0, maxBuffered = defaultMaxBuffered, maxBufferedBytes = defaultMaxBufferedBytes }: ProducerOptions,
  ): ProducerEngine {
    const engine = new ProducerEngine({
      ...this.#runtime,
      destination: planned.label,
      driver: planned.driver.name,
      // Where calls overtake each other, keys have lanes in pipelined order, too.
      mostOfKey: sendOrder !== 'pipelined' ? 1 : 'callOrder' in planned.declared && planned.declared.callOrder === 'kept' ? 0 : Infinity,
      lingerMs,
      maxBuffered,
      maxBufferedBytes,
    })
    this.#engines.set(engine, planned)
    if (this.#closed) engine.close(this.#closed)
    else if (this.#connection) this.#attach(engine, planned, this.#connection)
    return engine
  }

  #attach(engine: ProducerEngine, planned: Planned, { links, capabilities }: Connection): void {
    const link = links.get(planned.driver)
    const found = capabilities.get(planned)
    if (link && found) engine.attach(link.sender(planned.endpoint), found)
  }
}

function declaredOf({ declared, label }: Planned): Capabilities {
  if ('refused' in declared) throw new BrokerError('ERR_UNSUPPORTED', `${label}: ${declared.refused}. Remedy: ${declared.remedy}.`)
  return declared
}

function checkOptions(options: ProducerOptions): void {
  assertKnownKeys('producer', options, known)
  const { timeoutMs = 1, maxBuffered = 1, maxBufferedBytes = 1, lingerMs = 0, sendOrder } = options
  checkedNumber('producer: timeoutMs', timeoutMs, 1)
  checkedNumber('producer: maxBuffered', maxBuffered, 1)
  checkedNumber('producer: maxBufferedBytes', maxBufferedBytes, 1)
  checkedNumber('producer: lingerMs', lingerMs, 0, 60_000)
  if (sendOrder !== undefined && sendOrder !== 'strict' && sendOrder !== 'pipelined')
    throw new TypeError(`producer: sendOrder is 'strict' or 'pipelined', not '${String(sendOrder)}'`)
}
