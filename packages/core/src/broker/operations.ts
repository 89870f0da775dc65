import { checkedInteger, checkedNumber } from '../checked-number.ts'
import { collectorOf } from '../consumer/batch-collector.ts'
import { BlockedKeysOf } from '../consumer/blocked-keys.ts'
import type { RunningConsumer } from '../consumer/consumer.ts'
import { MessageIterator } from '../consumer/message-iterator.ts'
import type { Run } from '../consumer/run.ts'
import type { Consumer, ConsumeBatchesOptions, ConsumeOptions, MessagesOptions } from '../consumer/types.ts'
import type { AnyQueue, AnySource } from '../definitions/types.ts'
import type { Link, MaybePromise } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import { checkSignal } from '../kind-of.ts'
import type { Message } from '../message.ts'
import { assertKnownKeys } from '../nearest.ts'
import { sendRequest, type OpenRequests } from '../reply/send-request.ts'
import { sleep } from '../sleep.ts'
import { unlessAborted } from '../waiting.ts'
import { fail } from './check-options.ts'
import { provision, type Connection } from './connection.ts'
import type { Plan, Planned } from './plan.ts'
import type { Producers } from './producers.ts'
import type { Runtime } from './runtime.ts'
import type { BatchHandler, HealthReport, ProvisionMode, ProvisionResult, RequestOptions, SourceStats, StatsOptions } from './types.ts'

/** What a broker lets its operations work with. */
export interface OperationParts {
  readonly plan: Plan
  readonly runtime: Runtime
  readonly producers: Producers
  readonly consumers: ReadonlySet<RunningConsumer>
  readonly requests: OpenRequests
  /** Starts the broker if need be. */
  readonly connect: (mode?: ProvisionMode) => Promise<Connection>
  readonly consume: (source: AnySource, handler: (run: Run) => MaybePromise<unknown>, options: ConsumeOptions, onStop?: () => void) => Promise<Consumer>
  /** Fires when the broker closes. */
  readonly closing: AbortSignal
}

const modes: readonly ProvisionMode[] = ['create', 'verify', 'none']
const defaultIdleMs = 30_000
const pollMs = 10

/** What a broker can do besides sending to and consuming one message after the other; loaded when it is first asked for any of it. */
export class Operations {
  readonly #parts: OperationParts

  constructor(parts: OperationParts) {
    this.#parts = parts
  }

  consumeBatches(source: AnySource, handler: BatchHandler<unknown>, options: ConsumeBatchesOptions): Promise<Consumer> {
    const { consume, runtime } = this.#parts
    const { collector, consume: rest } = collectorOf(handler as never, options, runtime.clock)
    return consume(source, collector.join, rest, collector.stop)
  }

  messages(source: AnySource, options: MessagesOptions): MessageIterator<Message<never, never>> {
    assertKnownKeys('messages', options, ['maxInFlight', 'maxInFlightBytes', 'signal'])
    const { maxInFlight = 32, ...rest } = options
    return new MessageIterator((handler, onStop) => this.#parts.consume(source, handler, { ...rest, concurrency: maxInFlight, maxInFlight }, onStop))
  }

  request(queue: AnyQueue, planned: Planned, body: unknown, options: RequestOptions): Promise<unknown> {
    const { connect, runtime, producers, closing, requests: open } = this.#parts
    return sendRequest({ queue, planned, connect, runtime, closing, open, engine: producers.raw(planned) }, body, options)
  }

  blockedKeys({ label }: Planned): BlockedKeysOf {
    return new BlockedKeysOf([...this.#parts.consumers].map(({ engine }) => engine).filter((engine) => engine.options.source === label))
  }

  /** `first`: the broker was not started before. */
  async provision(first: boolean, options: { readonly mode?: ProvisionMode; readonly signal?: AbortSignal }): Promise<ProvisionResult> {
    assertKnownKeys('provision', options, ['mode', 'signal'])
    const { mode = 'create', signal } = options
    if (!modes.includes(mode)) fail(`provision must be ${modes.map((known) => `'${known}'`).join(' or ')}`)
    checkSignal('provision', signal)
    signal?.throwIfAborted()
    const { plan, connect, runtime, closing } = this.#parts
    const connection = await unlessAborted(connect(mode), signal)
    return first ? connection.provisioned : provision(plan, connection.links, mode, runtime, signal ?? closing)
  }

  /** A link that is reconnecting, or a source that nothing is received from, is not well. */
  async health(state: HealthReport['state'], started: Promise<Connection> | undefined, failed: boolean): Promise<HealthReport> {
    const connection = state === 'started' || state === 'draining' ? await started : undefined
    const links = connection ? [...connection.links].map(([driver, link]) => ({ ...link.health(), driver: driver.name })) : []
    const received = !failed && ![...this.#parts.consumers].some(({ engine }) => engine.failing)
    return { ok: state === 'started' && received && links.every((link) => link.state === 'connected'), state, links }
  }

  async stats({ driver, endpoint, label }: Planned, options: StatsOptions = {}): Promise<SourceStats> {
    assertKnownKeys('stats', options, ['consumers', 'signal'])
    const here = [...this.#parts.consumers].filter(({ engine }) => engine.options.source === label).length
    const consumers = checkedInteger('stats: consumers', options.consumers ?? Math.max(1, here), 1, Infinity)
    const { signal = this.#parts.closing } = options
    const { links } = await this.#parts.connect()
    const link = links.get(driver) as Link
    const counts = (await link.stats?.(endpoint, signal)) ?? { ready: undefined, inFlight: undefined, delayed: undefined, oldestAgeMs: undefined }
    const { ready, inFlight } = counts
    return { ...counts, backlogPerConsumer: ready === undefined || inFlight === undefined ? undefined : (ready + inFlight) / consumers }
  }

  /** Resolves when nothing is buffered or held here, and the sources have nothing ready, in flight or delayed, as far as their statistics tell. */
  async idle(options: { readonly timeoutMs?: number }): Promise<void> {
    assertKnownKeys('idle', options, ['timeoutMs'])
    const timeoutMs = checkedNumber('idle: timeoutMs', options.timeoutMs ?? defaultIdleMs, 0)
    const { producers, consumers, closing } = this.#parts
    const { clock } = this.#parts.runtime
    const deadline = clock.monotonic() + timeoutMs
    for (;;) {
      const here = [...consumers].reduce((total, { stats }) => total + stats.held, producers.pending)
      const there = here === 0 ? await this.#atBroker() : 0
      if (here + there === 0) return
      if (clock.monotonic() >= deadline)
        throw new BrokerError('ERR_TIMEOUT', `Not idle within ${timeoutMs} ms: ${here} messages are buffered or held here, ${there} are at the broker.`)
      await sleep(clock, pollMs, closing)
    }
  }

  async #atBroker(): Promise<number> {
    const counts = await Promise.all(
      [...new Set(this.#parts.plan.sources.values())].map(async (planned) => {
        const { ready = 0, inFlight = 0, delayed = 0 } = await this.stats(planned)
        return ready + inFlight + delayed
      }),
    )
    return counts.reduce((total, count) => total + count, 0)
  }
}
