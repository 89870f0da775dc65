import type { Clock } from '../clock.ts'
import type {
  AnyDefinition,
  AnySource,
  DestinationOf,
  InputOf,
  Misuse,
  OutputOf,
  ParametersOf,
  ReplyInputOf,
  ReplyOutputOf,
  RequestableOf,
  SendOptionsOf,
  SourceOf,
} from '../definitions/types.ts'
import type { BlockedKeys } from '../consumer/blocked-keys-types.ts'
import type { DeadLetters } from '../dead-letters/types.ts'
import type { Change, Driver, EndpointStats, LinkHealth, MaybePromise } from '../driver/index.ts'
import type { Directive } from '../outcome.ts'
import type { HandlerContext, Message } from '../message.ts'
import type { Consumer, ConsumeBatchesOptions, ConsumeOptions, MessagesOptions } from '../consumer/types.ts'
import type { Producer, ProducerOptions } from '../producer/types.ts'
import type { Telemetry } from '../telemetry.ts'

/** What may be made up for where a driver does not have it. Each costs something: see the capabilities page. */
export type Emulation =
  /** Body and header filters are evaluated by the consumer, which receives and acks what does not match. */
  'filter'

/** Where a destination lives and what is accepted there. */
export interface Route {
  /** Default: the broker's driver. */
  readonly driver?: Driver
  /** Physical name: queue, exchange, URL, ARN. Default: `naming(name)`. */
  readonly name?: string
  /** Where messages go that are given up. Default: queue `<name>.dead` on the same driver; `options` are those of the adapter for it. `drop` acks them; `block` never gives up, nor may the broker. */
  readonly deadLetter?: { readonly destination?: string; readonly driver?: Driver; readonly options?: Readonly<Record<string, unknown>> } | 'drop' | 'block'
  /** Most handler starts per message that consumers may ask for: native delivery limits are provisioned at ten times this. 1 to 100. Default 10. */
  readonly maxAttempts?: number
  /** `false` provisions no native delivery limit, as consumers with `onExhausted: 'block'` need it: the broker then never gives a message up by itself. */
  readonly nativeLimit?: false
  readonly emulate?: readonly Emulation[]
  /** `best-effort` accepts a backend without order where the definition asks for it. */
  readonly ordering?: 'best-effort'
  /** `at-most-once` accepts a backend that can lose messages. */
  readonly delivery?: 'at-most-once'
  /** The adapter's own options for this destination. Unknown ones are refused. */
  readonly options?: Readonly<Record<string, unknown>>
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
/** `event` is `noun:verb`. Default: `warn` and `error` go to `console`. */
export type Logger = (level: LogLevel, event: string, data: Readonly<Record<string, unknown>>) => void

export interface BrokerOptions {
  /** Serves every destination that no route sends elsewhere. */
  readonly driver: Driver
  /** All queues, topics, streams and subscriptions that this program uses. */
  readonly destinations: readonly AnyDefinition[]
  /** By destination name; a driver alone is a route to it. */
  readonly routes?: Readonly<Record<string, Route | Driver>>
  /** Maps a destination's name to its physical name. Default: unchanged. */
  readonly naming?: (name: string) => string
  /** For all routes. */
  readonly emulate?: readonly Emulation[]
  /** What `start` does about resources at the broker. Default `verify`. Creation is never implicit. */
  readonly provision?: ProvisionMode
  /** Default: the system clock. */
  readonly clock?: Clock
  /** Uniform in [0, 1). Default: the platform's cryptographic source. */
  readonly random?: () => number
  readonly log?: Logger
  readonly telemetry?: Telemetry
}

/** `create` makes what is missing; `verify` fails with all differences in one error; `none` does not look. */
export type ProvisionMode = 'create' | 'verify' | 'none'

export interface ProvisionResult {
  readonly mode: ProvisionMode
  readonly changes: readonly (Change & { readonly driver: string })[]
}

export interface HealthReport {
  /** The broker has started, all links are connected, and no consumer has failed or is failing. */
  readonly ok: boolean
  readonly state: 'idle' | 'starting' | 'started' | 'draining' | 'closed'
  readonly links: readonly (LinkHealth & { readonly driver: string })[]
}

/** A handler: return to ack, throw to let the retry policy decide. A queue with a `reply` expects the reply. */
export type Handler<S> = (
  message: Message<OutputOf<S>, ParametersOf<S>>,
  context: HandlerContext,
) => MaybePromise<
  | ([ReplyInputOf<S>] extends [never] ? unknown : ReplyInputOf<S> | Misuse<'This queue declares a reply: return it, or retryLater(ms) or deadLetter(reason)'>)
  | Directive
>

/** All messages succeed or fail together, unless they are settled one by one. */
export type BatchHandler<S> = (messages: readonly Message<OutputOf<S>, ParametersOf<S>>[], context: HandlerContext) => MaybePromise<unknown>

export interface RequestOptions {
  /** Milliseconds until the request rejects with `ERR_TIMEOUT`. Default 30,000. */
  readonly timeoutMs?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface StatsOptions {
  /** How many consumers of the source there are, in all processes. At least 1. Default: those of this broker, at least 1. */
  readonly consumers?: number
  readonly signal?: AbortSignal
}

/** Counts of one source. */
export interface SourceStats extends EndpointStats {
  /**
   * What auto-scaling goes by: messages to be done for each consumer, which is (`ready` + `inFlight`) ÷ `consumers`; those that are not due yet are not counted. As
   * exact as the two counts; `undefined` where one of them is not told.
   */
  readonly backlogPerConsumer: number | undefined
}

/** Sends, consumes and operates on all destinations of a program. `await using` drains it. */
export interface Broker extends AsyncDisposable {
  /**
   * Connects, negotiates all destinations at once, provisions. Implied by the first send or consume. Throws one error that lists every mismatch with its remedy.
   * Each step that fails with a retryable error, since a backend cannot be reached, is tried again for 30 s.
   */
  start(options?: { readonly signal?: AbortSignal }): Promise<void>
  /** A producer of `destination`; without options the same one each time, with options another one, which lives as long as the broker: keep it. Order per key holds within one producer. */
  producer<D>(destination: DestinationOf<D> & D, options?: ProducerOptions): Producer<InputOf<D>, SendOptionsOf<D>>
  /** Handles messages one by one. Resolves when the consumer receives. */
  consume<S>(source: SourceOf<S> & S, handler: Handler<S>, options?: ConsumeOptions): Promise<Consumer>
  /** Handles messages in batches of up to `batchSize`, waiting `lingerMs` for one to fill. */
  consumeBatches<S>(source: SourceOf<S> & S, handler: BatchHandler<S>, options?: ConsumeBatchesOptions): Promise<Consumer>
  /** Messages as an async iterable. Each must be settled; leaving the loop gives back what is not. */
  messages<S>(source: SourceOf<S> & S, options?: MessagesOptions): AsyncIterable<Message<OutputOf<S>, ParametersOf<S>>> & AsyncDisposable
  /** Sends to a queue that declares a `reply` and waits for it. While 10,000 requests of this broker wait, further ones reject with `ERR_THROTTLED`. */
  request<Q>(queue: RequestableOf<Q> & Q, body: InputOf<Q>, options?: RequestOptions): Promise<ReplyOutputOf<Q>>
  /** The dead letters of a source. */
  deadLetters<S>(source: SourceOf<S> & S): DeadLetters<Extract<S, AnySource>>
  /** Keys that wait behind a message which is tried until it succeeds, with `onExhausted: 'block'`. */
  blockedKeys<S>(source: SourceOf<S> & S): BlockedKeys
  /**
   * Creates what is missing, or in another `mode` verifies it or does nothing. Default `create`. Starts the broker if need be. When `signal` fires it rejects with
   * its reason; what the brokers are just doing may still be done.
   */
  provision(options?: { readonly mode?: ProvisionMode; readonly signal?: AbortSignal }): Promise<ProvisionResult>
  /** Counts at the broker; a field is `undefined` where the driver's `stats` capability is `none`. */
  stats<S>(source: SourceOf<S> & S, options?: StatsOptions): Promise<SourceStats>
  health(): Promise<HealthReport>
  /**
   * For tests: resolves when nothing is buffered or held here and the sources have nothing ready, in flight or delayed, as far as their `stats` capability tells.
   * Rejects with `ERR_TIMEOUT` after `timeoutMs`, default 30,000.
   */
  idle(options?: { readonly timeoutMs?: number }): Promise<void>
  /** Stops intake, finishes running handlers, settles, sends what is buffered, hands the rest back, disconnects. Idempotent. */
  drain(options?: { readonly timeoutMs?: number }): Promise<void>
  /** Now: signals fire, nothing more is waited for. What is unsettled comes again. */
  close(): Promise<void>
}
