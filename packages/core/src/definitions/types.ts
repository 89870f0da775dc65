import type { Codec } from '../codec/codec.ts'
import type { StartFrom } from '../driver/endpoint.ts'
import type { FilterOn, HeaderFilter } from '../filter/grammar.ts'
import type { JsonView } from '../json-view.ts'
import type { StandardSchema } from '../standard-schema.ts'

/** What a destination needs from whatever backend it is routed to; checked at `start()`. */
export interface Requirements {
  /** Default: `key` if the definition has an `orderingKey`, else `none`. */
  readonly ordering?: 'none' | 'key' | 'destination'
  /** Longest delay, in milliseconds, that `send(…, { delayMs })` will ask for. */
  readonly delayMs?: number
  /** The broker must drop repeated deduplication ids for at least this many milliseconds. Default 0: not required. */
  readonly deduplicationMs?: number
  /** Largest body in bytes that will be sent. */
  readonly bodyBytes?: number
  /** Most user headers on one message. */
  readonly headers?: number
  /** Longest time to live in milliseconds. */
  readonly timeToLiveMs?: number
  /** Number of priority levels that are told apart. */
  readonly priorityLevels?: number
  /** A send resolves only when the broker has taken responsibility. Default true. */
  readonly confirms?: boolean
}

/** What all three kinds of destination share. `In`: what is sent and travels on the wire. */
export interface DestinationOptions<In> {
  /** Default {@link json}. */
  readonly codec?: Codec<In>
  /** Messages with equal keys are handled in the order sent, one at a time. 1 to 128 characters from `!` to `~`. Computed from the JSON view of the body. */
  readonly orderingKey?: (body: JsonView<In>) => string
  /** Identity, for idempotency and tracing. Default: a unique id per `send`. 1 to 128 characters. Never used as a deduplication id. */
  readonly messageId?: (body: JsonView<In>) => string
  /** Opts in to the broker's own deduplication, where it has one. 1 to 128 characters. */
  readonly deduplicationId?: (body: JsonView<In>) => string
  /** Type of the message, carried on the wire: a text or a function of the body. */
  readonly type?: string | ((body: JsonView<In>) => string)
  readonly requires?: Requirements
}

/** Options of a topic or stream, which answer no requests. */
export interface OneWayOptions<In> extends DestinationOptions<In> {
  readonly reply?: Misuse<'Only a queue answers requests: queue(name, { schema, reply: schemaOfTheReply })'>
}

declare const types: unique symbol
declare const misuse: unique symbol

/** Carries types only; not there at run time. */
export interface Typed<In, Out, ReplyIn = never, ReplyOut = never> {
  readonly [types]?: { readonly input: (value: In) => void; readonly output: Out; readonly replyInput: ReplyIn; readonly replyOutput: ReplyOut }
}

interface Definition<In> {
  readonly name: string
  readonly schema: StandardSchema<unknown, unknown> | undefined
  readonly options: DestinationOptions<In>
}

/** Competing consumers: each message is handled by one of them. */
export interface Queue<In = unknown, Out = In, ReplyIn = never, ReplyOut = never> extends Definition<In>, Typed<In, Out, ReplyIn, ReplyOut> {
  readonly kind: 'queue'
  readonly reply: StandardSchema<unknown, unknown> | undefined
}

/** A copy of each message for every subscription. */
export interface Topic<In = unknown, Out = In> extends Definition<In>, Typed<In, Out> {
  readonly kind: 'topic'
  /** A named, durable subscription: a source that can be consumed. */
  subscription(name: string, options?: SubscriptionOptions<In>): Subscription<In, Out>
}

/** A retained log: every subscription reads it at its own position and may read it again. */
export interface Stream<In = unknown, Out = In> extends Definition<In>, Typed<In, Out> {
  readonly kind: 'stream'
  /** A named group of consumers with a position of its own. */
  subscription(name: string, options?: StreamSubscriptionOptions<In>): Subscription<In, Out>
}

interface FilterOptions<In> {
  /** Only messages whose body matches. Native where the driver has it, else by `emulate: ['filter']` in the route. */
  readonly filter?: FilterOn<In>
  /** Only messages whose headers match. */
  readonly headerFilter?: HeaderFilter
}

export interface SubscriptionOptions<In> extends FilterOptions<In> {
  readonly startFrom?: Misuse<'A topic keeps nothing to start from: define a stream, stream(name).subscription(name, { startFrom })'>
}

export interface StreamSubscriptionOptions<In> extends FilterOptions<In> {
  /** Where a new subscription begins. Default `latest`. */
  readonly startFrom?: StartFrom
}

export interface Subscription<In = unknown, Out = In> extends Typed<In, Out> {
  readonly kind: 'subscription'
  readonly name: string
  readonly of: Topic<In, Out> | Stream<In, Out>
  readonly options: StreamSubscriptionOptions<In>
}

// Variance makes a concrete definition unassignable to one of `unknown`; `any` is what generic code over all definitions needs.
/** Any queue without a reply. */
export type AnySourceQueue = Queue<any, any>
/** Any queue. */
export type AnyQueue = Queue<any, any, any, any>
/** Any queue, topic or stream. */
export type AnyDestination = Queue<any, any, any, any> | Topic<any, any> | Stream<any, any>
/** Anything that can be listed in `destinations`. */
export type AnyDefinition = AnyDestination | Subscription<any, any>
/** Anything that can be consumed. */
export type AnySource = Queue<any, any, any, any> | Subscription<any, any>

/** What is sent to `D`. */
export type InputOf<D> = D extends Typed<infer In, any, any, any> ? In : never
/** What a handler of `D` sees. */
export type OutputOf<D> = D extends Typed<any, infer Out, any, any> ? Out : never
/** What a handler of `D` must return: a reply if the queue declares one, else nothing. */
export type ReplyInputOf<D> = D extends Queue<any, any, infer ReplyIn, any> ? ReplyIn : never
export type ReplyOutputOf<D> = D extends Queue<any, any, any, infer ReplyOut> ? ReplyOut : never

/** What the compiler shows in place of what was given the wrong thing. There is no such value. */
export interface Misuse<Remedy extends string> {
  readonly [misuse]: Remedy
}

/** `D` if it can be consumed, else a text that says what to do. */
export type SourceOf<D> = D extends AnySource
  ? D
  : D extends Topic<any, any>
    ? Misuse<'A topic has no messages of its own: consume one of its subscriptions, topic.subscription(name)'>
    : D extends Stream<any, any>
      ? Misuse<'A stream has no position of its own: consume one of its subscriptions, stream.subscription(name)'>
      : Misuse<'Not a queue or subscription: define one with queue(name) or topic(name).subscription(name)'>

/** `D` if it can be sent to, else a text that says what to do. */
export type DestinationOf<D> = D extends AnyDestination
  ? D
  : D extends Subscription<any, any>
    ? Misuse<'A subscription only receives: send to the topic or stream that it belongs to'>
    : Misuse<'Not a queue, topic or stream: define one with queue(name), topic(name) or stream(name)'>

/** `D` if it answers requests, else a text that says what to do. */
export type RequestableOf<D> =
  D extends Queue<any, any, infer ReplyIn, any>
    ? [ReplyIn] extends [never]
      ? Misuse<'This queue declares no reply: queue(name, { schema, reply: schemaOfTheReply })'>
      : D
    : Misuse<'Only a queue that declares a reply answers requests: queue(name, { schema, reply: schemaOfTheReply })'>
