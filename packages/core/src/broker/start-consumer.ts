import { json } from '../codec/json.ts'
import { RunningConsumer } from '../consumer/consumer.ts'
import { ConsumerEngine } from '../consumer/engine.ts'
import { checkedFlow, type Flow } from '../consumer/flow.ts'
import { createProcessor } from '../consumer/process.ts'
import type { Run } from '../consumer/run.ts'
import type { ConsumeOptions } from '../consumer/types.ts'
import type { GiveUpOptions } from '../dead-letters/give-up.ts'
import { destinationOf } from '../definitions/parts-of.ts'
import type { AnyDestination, AnySource } from '../definitions/types.ts'
import type { Capabilities, Link, MaybePromise, Receiver, Window } from '../driver/index.ts'
import type { BrokerError } from '../errors.ts'
import { load } from '../lazy.ts'
import { isEmpty } from '../middleware/is-empty.ts'
import type { ProcessChains } from '../middleware/process-chains.ts'
import { unlessAborted, endedWithin } from '../waiting.ts'
import type { Connection } from './connection.ts'
import { consumePolicy } from './consume-policy.ts'
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
  readonly onEnded: (consumer: RunningConsumer) => void
}

/** How long a receiver that is no longer wanted may take to start, before it is left to itself. */
const lateStartMs = 1_000

/** Checks options and policy against what was found at the broker, then wires engine, receiver and dead letters together. */
export async function startConsumer(start: StartConsumerOptions): Promise<RunningConsumer> {
  const { planned, connection, runtime, options, onEnded } = start
  const flow = checkedFlow(options, planned)
  const link = connection.links.get(planned.driver) as Link
  const fatal = Promise.withResolvers<BrokerError>()
  const ending = new AbortController()
  const engine = await makeEngine(start, link, flow, ending.signal, fatal.resolve)
  let running: RunningConsumer | undefined
  const stop = (): void => {
    engine.stop()
    // The broker drains it by itself, and closes one that is still starting.
    if (options.signal?.aborted) void running?.drain()
  }
  const giveUpEnds = (): void => {
    ending.abort()
    start.signal.removeEventListener('abort', stop)
  }
  start.signal.addEventListener('abort', stop, { once: true })
  try {
    const receiver = await openReceiver(start, link, engine, flow.window)
    const consumer = new RunningConsumer(engine, receiver, runtime.clock, () => {
      giveUpEnds()
      onEnded(consumer)
    })
    void fatal.promise.then((error) => consumer.fail(error))
    return (running = consumer)
  } catch (error) {
    engine.close()
    giveUpEnds()
    throw error
  }
}

async function makeEngine(
  start: StartConsumerOptions,
  link: Link,
  { concurrency, window }: Flow,
  ending: AbortSignal,
  onFatal: (error: BrokerError) => void,
): Promise<ConsumerEngine> {
  const { source, planned, connection, runtime, options, onStop } = start
  const capabilities = connection.capabilities.get(planned) as Capabilities
  const { use = [] } = options
  const chains = isEmpty(use) ? undefined : (await load(runtime.clock, 'chains')).chainsOf(use)
  const { retry, budget, renewing, settling } = await consumePolicy(options, window.messages, planned, capabilities, runtime)
  const destination = destinationOf(source)
  const givingUp = giveUpOptions(start, capabilities, ending)
  return new ConsumerEngine({
    ...runtime,
    source: planned.label,
    driver: planned.driver.name,
    capabilities,
    keyed: destination.options.orderingKey !== undefined || planned.endpoint.keyed,
    concurrency,
    windowMessages: window.messages,
    holdMs: retry.holdMs,
    budget,
    maxAttempts: retry.maxAttempts,
    ordered: planned.endpoint.keyed,
    blocks: planned.deadLetter === 'block' ? 'all' : options.onExhausted === 'block' ? 'exhausted' : 'nothing',
    renewing,
    suspensions: chains?.suspensions,
    onSettled:
      settling.length > 0 || runtime.telemetry.settle
        ? (await load(runtime.clock, 'telling')).createTeller({ ...runtime, source: planned.label, settling })
        : undefined,
    decide: retry.decide,
    process: await processorOf(start, destination, link, chains),
    giveUp: async (task, directive) => (await load(runtime.clock, 'giveUp')).giveUp(task, directive, givingUp),
    onFatal,
    onStop,
  })
}

/** During an outage a receiver is made anew until one starts. One that starts when it is no longer wanted is handed back. */
function openReceiver({ planned, runtime, signal }: StartConsumerOptions, link: Link, engine: ConsumerEngine, window: Window): Promise<Receiver> {
  const open = async (): Promise<Receiver> => {
    signal.throwIfAborted()
    if (!link.receiver) throw (await load(runtime.clock, 'refusals')).noReceiver(planned)
    const receiver = link.receiver(planned.endpoint, engine, window)
    engine.attach(receiver)
    const started = receiver.start()
    try {
      await unlessAborted(started, signal)
    } catch (error) {
      if (signal.aborted)
        await endedWithin(
          runtime.clock,
          started.then(() => new RunningConsumer(engine, receiver, runtime.clock, () => undefined).close()),
          lateStartMs,
        )
      throw error
    }
    return receiver
  }
  return keepTrying(`${planned.label} on ${planned.driver.name}`, open, runtime, signal)
}

function giveUpOptions({ planned, runtime, producers, options }: StartConsumerOptions, capabilities: Capabilities, signal: AbortSignal): GiveUpOptions {
  return {
    ...runtime,
    source: planned.label,
    place: typeof planned.deadLetter === 'object' ? producers.raw(planned.deadLetter) : undefined,
    native: capabilities.deadLetter === 'native',
    nativeLimit: planned.endpoint.deadLetterName !== undefined && capabilities.deliveryAttempt !== 'none',
    use: options.use ?? [],
    signal,
  }
}

async function processorOf(
  { source, planned, runtime, handler }: StartConsumerOptions,
  destination: AnyDestination,
  link: Link,
  chains: ProcessChains | undefined,
): Promise<(run: Run) => MaybePromise<unknown>> {
  const process = createProcessor({
    codec: destination.options.codec ?? json,
    schema: destination.schema,
    matches: planned.filters ? (await load(runtime.clock, 'filters')).matcherOf(source, planned.endpoint) : undefined,
    onFiltered: () => runtime.telemetry.call?.({ driver: planned.driver.name, call: 'filtered', count: 1 }),
    chains,
    handler,
    after:
      source.kind === 'queue' && source.reply && link.replies
        ? (await load(runtime.clock, 'responder')).createResponder(link.replies, source.reply, runtime)
        : undefined,
    telemetry: runtime.telemetry,
  })
  return planned.endpoint.deadLettersOf?.parameters ? (await load(runtime.clock, 'deadLetters')).withParameters(process) : process
}
