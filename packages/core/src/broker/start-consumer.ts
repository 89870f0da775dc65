import { json } from '../codec/json.ts'
import { RunningConsumer } from '../consumer/consumer.ts'
import { defaultRetry } from '../consumer/default-retry.ts'
import { ConsumerEngine } from '../consumer/engine.ts'
import { createProcessor } from '../consumer/process.ts'
import type { Run } from '../consumer/run.ts'
import type { ConsumeOptions } from '../consumer/types.ts'
import { longestHoldMs, longestWaitMs } from '../consumer/wait-plan.ts'
import type { GiveUpOptions } from '../dead-letters/give-up.ts'
import type { AnyDestination, AnySource } from '../definitions/types.ts'
import type { Capabilities, Link, MaybePromise, Receiver, Window } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import { lazy } from '../lazy.ts'
import { checkOrder } from '../middleware/check-order.ts'
import { composeProcess } from '../middleware/compose.ts'
import type { ProcessMiddleware, RetryDeclaration } from '../middleware/types.ts'
import { assertKnownKeys } from '../nearest.ts'
import { unlessAborted, within } from '../waiting.ts'
import type { Connection } from './connection.ts'
import { keepTrying } from './keep-trying.ts'
import type { Planned } from './plan.ts'
import type { Producers } from './producers.ts'
import type { Runtime } from './runtime.ts'

export interface StartConsumerOptions {
  readonly source: AnySource
  readonly planned: Planned
  readonly connection: Connection
  readonly runtime: Runtime
  readonly producers: Producers
  readonly options: ConsumeOptions
  readonly handler: (run: Run) => MaybePromise<unknown>
  /** No handler starts any more: the consumer, or the broker, ends. */
  readonly onStop: (() => void) | undefined
  /** Fires when the consumer is no longer wanted while it starts. */
  readonly signal: AbortSignal
  readonly onFailed: () => void
  readonly onEnded: (consumer: RunningConsumer) => void
}

/** How long a receiver that is no longer wanted may take to start, before it is left to itself. */
const lateStartMs = 1_000

const defaultConcurrency = 16
const defaultBytes = 64 * 1024 * 1024
const known = ['concurrency', 'maxInFlight', 'maxInFlightBytes', 'use', 'onExhausted', 'signal'] as const

/** Checks options and policy against what was found at the broker, then wires engine, receiver and dead letters together. */
export async function startConsumer(start: StartConsumerOptions): Promise<RunningConsumer> {
  const { source, planned, connection, runtime, options, onEnded } = start
  const { concurrency, window } = checkedFlow(options)
  const link = connection.links.get(planned.driver) as Link
  const capabilities = connection.capabilities.get(planned) as Capabilities
  const use = options.use ?? []
  checkOrder(use)
  const declared = use.filter((middleware): middleware is ProcessMiddleware => typeof middleware === 'object')
  const retry = declared.find((middleware) => middleware.retry)?.retry ?? defaultRetry
  checkPolicy(planned, capabilities, declared, retry)

  const ending = new AbortController()
  const destination = source.kind === 'subscription' ? (source.of as AnyDestination) : source
  const givingUp = giveUpOptions(start, capabilities, ending.signal)
  let consumer: RunningConsumer | undefined
  let failure: BrokerError | undefined
  const engine = new ConsumerEngine({
    ...runtime,
    source: planned.label,
    driver: planned.driver.name,
    capabilities,
    keyed: destination.options.orderingKey !== undefined || planned.endpoint.keyed,
    concurrency,
    windowMessages: window.messages,
    holdMs: retry.holdMs,
    onExhausted: planned.deadLetter === 'block' ? 'block' : (options.onExhausted ?? 'dead-letter'),
    renewing: declared.filter((middleware) => middleware.renew !== undefined),
    process: await processorOf(start, destination, link),
    giveUp: async (task, directive) => (await lazy.giveUp()).giveUp(task, directive, givingUp),
    onFatal: (error) => {
      failure = error
      start.onFailed()
      consumer?.fail(error)
    },
    onStop: start.onStop,
  })
  const stop = (): void => engine.stop()
  const giveUpEnds = (): void => ending.abort(new BrokerError('ERR_CLOSED', 'The consumer has ended.'))
  start.signal.addEventListener('abort', stop, { once: true })
  try {
    const receiver = await openReceiver(start, link, engine, window)
    consumer = new RunningConsumer(engine, receiver, runtime.clock, () => {
      giveUpEnds()
      onEnded(consumer as RunningConsumer)
    })
  } catch (error) {
    engine.close()
    giveUpEnds()
    throw error
  } finally {
    start.signal.removeEventListener('abort', stop)
  }
  if (failure) consumer.fail(failure)
  watchSignal(consumer, options.signal)
  return consumer
}

/** During an outage a receiver is made anew until one starts. One that starts when it is no longer wanted is handed back. */
function openReceiver({ planned, runtime, signal }: StartConsumerOptions, link: Link, engine: ConsumerEngine, window: Window): Promise<Receiver> {
  const open = async (): Promise<Receiver> => {
    if (!link.receiver)
      throw new BrokerError('ERR_UNSUPPORTED', `${planned.label}: nothing can be received from ${planned.driver.name}; consume it through another driver.`, {
        destination: planned.label,
      })
    const receiver = link.receiver(planned.endpoint, engine, window)
    engine.attach(receiver)
    const started = receiver.start()
    try {
      await unlessAborted(started, signal)
    } catch (error) {
      if (signal.aborted) await within(runtime.clock, started.then(() => new RunningConsumer(engine, receiver, runtime.clock, () => undefined).close()), lateStartMs)
      throw error
    }
    return receiver
  }
  return keepTrying(`${planned.label} on ${planned.driver.name}`, open, runtime, signal)
}

function giveUpOptions({ planned, runtime, producers }: StartConsumerOptions, capabilities: Capabilities, signal: AbortSignal): GiveUpOptions {
  return {
    ...runtime,
    source: planned.label,
    place: typeof planned.deadLetter === 'object' ? producers.raw(planned.deadLetter) : undefined,
    native: capabilities.deadLetter === 'native',
    signal,
  }
}

async function processorOf(
  { source, planned, runtime, options, handler }: StartConsumerOptions,
  destination: AnyDestination,
  link: Link,
): Promise<(run: Run) => MaybePromise<unknown>> {
  return createProcessor({
    codec: destination.options.codec ?? json,
    schema: destination.schema,
    matches: planned.filters ? (await lazy.filters()).matcherOf(source, planned.endpoint) : undefined,
    onFiltered: () => runtime.telemetry.call?.({ driver: planned.driver.name, call: 'filtered', count: 1 }),
    chain: composeProcess(options.use ?? []),
    handler,
    after: source.kind === 'queue' && source.reply && link.replies ? (await lazy.responder()).createResponder(link.replies, source.reply, runtime) : undefined,
    telemetry: runtime.telemetry,
  })
}

function checkedFlow(options: ConsumeOptions): { concurrency: number; window: { messages: number; bytes: number } } {
  assertKnownKeys('consume', options, known)
  const { concurrency = defaultConcurrency, maxInFlight = concurrency * 2, maxInFlightBytes = defaultBytes, onExhausted } = options
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 10_000)
    throw new RangeError(`consume: concurrency must be an integer from 1 to 10,000, not ${concurrency}`)
  if (!Number.isInteger(maxInFlight) || maxInFlight < concurrency)
    throw new RangeError(`consume: maxInFlight must be an integer of at least concurrency (${concurrency}), not ${maxInFlight}`)
  if (!(maxInFlightBytes >= 1)) throw new RangeError(`consume: maxInFlightBytes must be at least 1, not ${maxInFlightBytes}`)
  if (onExhausted !== undefined && onExhausted !== 'dead-letter' && onExhausted !== 'block')
    throw new TypeError(`consume: onExhausted is 'dead-letter' or 'block', not '${String(onExhausted)}'`)
  return { concurrency, window: { messages: maxInFlight, bytes: maxInFlightBytes } }
}

/** Refuses a policy that cannot hold on this backend, with the largest value that fits. */
function checkPolicy(planned: Planned, capabilities: Capabilities, declared: readonly ProcessMiddleware[], retry: RetryDeclaration): void {
  const problems = declared.flatMap((middleware) => (middleware.check?.(capabilities) ?? []).map((text) => `${middleware.name}: ${text}`))
  const longest = longestWaitMs(capabilities, planned.endpoint.keyed)
  if (retry.maxWaitMs > longest) {
    problems.push(
      `retry: a wait of ${retry.maxWaitMs} ms can neither be held here nor given to ${planned.driver.name}; the largest that fits is ${longest} ms: lower the backoff's maxMs`,
    )
  }
  const hold = longestHoldMs(capabilities)
  if (retry.holdMs !== undefined && retry.holdMs > hold)
    problems.push(`retry: holdMs of ${retry.holdMs} is longer than a message can be held here; the largest that fits is ${hold}`)
  const { maxAttempts } = planned.endpoint
  if (maxAttempts > 0 && retry.maxAttempts > maxAttempts) {
    problems.push(
      `retry: maxAttempts of ${retry.maxAttempts} is above the ${maxAttempts} that native limits are provisioned for; lower it, or set maxAttempts: ${retry.maxAttempts} in the route and provision again`,
    )
  }
  if (problems.length > 0)
    throw new BrokerError('ERR_UNSUPPORTED', `${planned.label} on ${planned.driver.name}:\n${problems.map((text) => `- ${text}`).join('\n')}`, {
      destination: planned.label,
    })
}

function watchSignal(consumer: RunningConsumer, signal: AbortSignal | undefined): void {
  if (!signal) return
  const onAbort = (): void => void consumer.drain()
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  void consumer.closed.catch(() => undefined).then(() => signal.removeEventListener('abort', onAbort))
}
