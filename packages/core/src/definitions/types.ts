import type { AddressParameters } from '../address/address-template.ts'
import type { Codec } from '../codec/codec.ts'
import type { StartFrom } from '../driver/endpoint.ts'
import type { FilterOn, HeaderFilter } from '../filter/grammar.ts'
import type { JsonView } from '../json-view.ts'
import type { SendOptions } from '../producer/types.ts'
import type { StandardSchema } from '../standard-schema.ts'
import type { TopicTemplate } from './topic-template.ts'

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
declare const computed: unique symbol
declare const misuse: unique symbol

/** Names of the parameters in a name: `'truckId'` of `'trucks/{truckId}/position'`. */
type ParameterNames<Name extends string> = Name extends `${string}{${infer Parameter}}${infer Rest}` ? Parameter | ParameterNames<Rest> : never

/** The parameters in a topic's name: `{ readonly truckId: string }` of `'trucks/{truckId}/position'`, `undefined` if there are none. */
export type ParametersIn<Name extends string> = string extends Name
  ? AddressParameters | undefined
  : [ParameterNames<Name>] extends [never]
    ? undefined
    : { readonly [Parameter in ParameterNames<Name>]: string }

/** Carries types only; not there at run time. */
export interface Typed<In, Out, ReplyIn = never, ReplyOut = never, Parameters = AddressParameters | undefined> {
  readonly [types]?: {
    readonly input: (value: In) => void
    readonly output: Out
    readonly replyInput: ReplyIn
    readonly replyOutput: ReplyOut
    readonly parameters: Parameters
  }
}

interface Definition<In> {
  readonly name: string
  readonly schema: StandardSchema<unknown, unknown> | undefined
  readonly options: DestinationOptions<In>
}

/** Competing consumers: each message is handled by one of them. */
export interface Queue<In = unknown, Out = In, ReplyIn = never, ReplyOut = never, Parameters = undefined>
  extends Definition<In>, Typed<In, Out, ReplyIn, ReplyOut, Parameters> {
  readonly kind: 'queue'
  readonly reply: StandardSchema<unknown, unknown> | undefined
}

/** A copy of each message for every subscription. `Parameters`: those in its name; `Computed`: they are made of the body. */
export interface Topic<In = unknown, Out = In, Parameters = AddressParameters | undefined, Computed extends boolean = boolean>
  extends Definition<In>, Typed<In, Out, never, never, Parameters> {
  readonly kind: 'topic'
  /** Present if the name holds parameters. */
  readonly template: TopicTemplate | undefined
  readonly [computed]?: Computed
  /** A named, durable subscription: a source that can be consumed. */
  subscription(name: string, options?: SubscriptionOptions<In, Parameters>): Subscription<In, Out, Parameters>
}

/** A retained log: every subscription reads it at its own position and may read it again. */
export interface Stream<In = unknown, Out = In> extends Definition<In>, Typed<In, Out, never, never, undefined> {
  readonly kind: 'stream'
  /** A named group of consumers with a position of its own. */
  subscription(name: string, options?: StreamSubscriptionOptions<In>): Subscription<In, Out, undefined>
}

interface FilterOptions<In> {
  /** Only messages whose body matches. Native where the driver has it, else by `emulate: ['filter']` in the route. */
  readonly filter?: FilterOn<In>
  /** Only messages whose headers match. */
  readonly headerFilter?: HeaderFilter
}

export interface SubscriptionOptions<In, Parameters = AddressParameters | undefined> extends FilterOptions<In> {
  /** Values of parameters in the topic's name: messages with others are not received. A parameter that is not fixed takes any value. Needs the `addressTemplates` capability. */
  readonly parameters?: [Parameters] extends [undefined]
    ? Misuse<"The name of this topic holds no parameters: topic('trucks/{truckId}')">
    : { readonly [Parameter in keyof NonNullable<Parameters>]?: string }
  readonly startFrom?: Misuse<'A topic keeps nothing to start from: define a stream, stream(name).subscription(name, { startFrom })'>
}

export interface StreamSubscriptionOptions<In> extends FilterOptions<In> {
  /** Where a new subscription begins. Default `latest`. */
  readonly startFrom?: StartFrom
}

export interface Subscription<In = unknown, Out = In, Parameters = AddressParameters | undefined> extends Typed<In, Out, never, never, Parameters> {
  readonly kind: 'subscription'
  readonly name: string
  readonly of: Topic<In, Out, any> | Stream<In, Out>
  readonly options: StreamSubscriptionOptions<In> & { readonly parameters?: AddressParameters }
}

// Variance makes a concrete definition unassignable to one of `unknown`; `any` is what generic code over all definitions needs.
/** Any queue without a reply. */
export type AnySourceQueue = Queue<any, any, never, never, any>
/** Any queue. */
export type AnyQueue = Queue<any, any, any, any, any>
/** Any queue, topic or stream. */
export type AnyDestination = AnyQueue | Topic<any, any, any, any> | Stream<any, any>
/** Anything that can be listed in `destinations`. */
export type AnyDefinition = AnyDestination | Subscription<any, any, any>
/** Anything that can be consumed. */
export type AnySource = AnyQueue | Subscription<any, any, any>

/** What is sent to `D`. */
export type InputOf<D> = D extends Typed<infer In, any, any, any, any> ? In : never
/** What a handler of `D` sees. */
export type OutputOf<D> = D extends Typed<any, infer Out, any, any, any> ? Out : never
/** What a handler of `D` must return: a reply if the queue declares one, else nothing. */
export type ReplyInputOf<D> = D extends Queue<any, any, infer ReplyIn, any, any> ? ReplyIn : never
export type ReplyOutputOf<D> = D extends Queue<any, any, any, infer ReplyOut, any> ? ReplyOut : never
/** Parameters in the name of `D`, or of the topic that it is a subscription of. */
export type ParametersOf<D> = D extends Typed<any, any, any, any, infer Parameters> ? Parameters : undefined
/** Options of a send to `D`: with the parameters in its name, which must be given unless they are made of the body. */
export type SendOptionsOf<D> =
  D extends Topic<any, any, infer Parameters, infer Computed>
    ? [Parameters] extends [undefined]
      ? SendOptions
      : [undefined, Computed] extends [Parameters, boolean] | [undefined, true]
        ? SendOptions & { readonly parameters?: NonNullable<Parameters> }
        : SendOptions & { readonly parameters: Parameters }
    : SendOptions

/** What the compiler shows in place of what was given the wrong thing. There is no such value. */
export interface Misuse<Remedy extends string> {
  readonly [misuse]: Remedy
}

/** `D` if it can be consumed, else a text that says what to do. */
export type SourceOf<D> = D extends AnySource
  ? D
  : D extends Topic<any, any, any, any>
    ? Misuse<'A topic has no messages of its own: consume one of its subscriptions, topic.subscription(name)'>
    : D extends Stream<any, any>
      ? Misuse<'A stream has no position of its own: consume one of its subscriptions, stream.subscription(name)'>
      : Misuse<'Not a queue or subscription: define one with queue(name) or topic(name).subscription(name)'>

/** `D` if it can be sent to, else a text that says what to do. */
export type DestinationOf<D> = D extends AnyDestination
  ? D
  : D extends Subscription<any, any, any>
    ? Misuse<'A subscription only receives: send to the topic or stream that it belongs to'>
    : Misuse<'Not a queue, topic or stream: define one with queue(name), topic(name) or stream(name)'>

/** `D` if it answers requests, else a text that says what to do. */
export type RequestableOf<D> =
  D extends Queue<any, any, infer ReplyIn, any, any>
    ? [ReplyIn] extends [never]
      ? Misuse<'This queue declares no reply: queue(name, { schema, reply: schemaOfTheReply })'>
      : D
    : Misuse<'Only a queue that declares a reply answers requests: queue(name, { schema, reply: schemaOfTheReply })'>
