import type { AddressParameters } from '../address/address-template.ts'
import type { Filter, HeaderFilter } from '../filter/grammar.ts'

/**
 * Where a subscription of a stream begins to read. `timestamp`: with the first message stored at that time, in milliseconds since the epoch, or later. `position`: with the
 * message at that position, as `Incoming.position` and `SendResult` tell it.
 */
export type StartFrom = 'earliest' | 'latest' | { readonly timestamp: number } | { readonly position: string }

/** One subscription of a topic or stream, as the driver needs to know it. */
export interface EndpointSubscription {
  /** Logical name, unique within its topic or stream. The driver forms the physical name from it. */
  readonly name: string
  /** Native filter on the body. Present only if the endpoint's `filter` capability is `native`; otherwise core evaluates it. */
  readonly filter?: Filter
  /** Native filter on the headers; as {@link EndpointSubscription.filter}. */
  readonly headerFilter?: HeaderFilter
  /** Streams only. Default `latest`. */
  readonly startFrom?: StartFrom
  /** Address templates only: values of parameters; messages with others are not for it. */
  readonly parameters?: AddressParameters
}

/** A destination, or one subscription of it, on one driver. Pure data. */
export interface Endpoint {
  /** Name in the program (`orders`); for texts. */
  readonly destination: string
  readonly kind: 'queue' | 'topic' | 'stream'
  /** Name at the broker, after routes and `naming`. */
  readonly name: string
  /**
   * Present if `name` is an address template, `trucks/{truckId}/position`: its parameters, each a whole level. Every message has values for them. Only topics; a driver
   * whose `addressTemplates` capability is `none` refuses such an endpoint, see {@link refusedTemplate}.
   */
  readonly parameters?: readonly string[]
  /** Present where messages are received from a topic or stream. */
  readonly subscription?: EndpointSubscription
  /** Messages may carry an ordering key, and their order must be kept. */
  readonly keyed: boolean
  /** Highest number of handler starts per message that a consumer may use. Native delivery limits must be ≥ 10 times this. 0: unknown; see {@link mustKeepAll}. */
  readonly maxAttempts: number
  /** Where the broker itself puts what exceeds its native limit: name of a queue of the same driver. */
  readonly deadLetterName?: string
  /**
   * Present where dead letters go: their source, without its `deadLetterName`; if that is another driver's, without its options and not `keyed`. Messages keep
   * their ordering keys here, though no order is asked for. A broker that demands of a dead-letter place to be of the same type as its source makes it so.
   */
  readonly deadLettersOf?: Endpoint
  /** The adapter's own options of the route, not yet validated. */
  readonly options: Readonly<Record<string, unknown>>
}

/**
 * Must the broker give up none of the messages by itself? The route says `nativeLimit: false` or `deadLetter: 'block'`, since they may be tried until they succeed. A driver
 * refuses such an endpoint where a native limit is asked for by an option, or is there.
 */
export function mustKeepAll({ maxAttempts, deadLetterName, deadLettersOf }: Endpoint): boolean {
  return maxAttempts === 0 && deadLetterName === undefined && deadLettersOf === undefined
}
