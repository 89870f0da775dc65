import type { Clock } from '../clock.ts'
import type { Capabilities, Refusal } from './capabilities.ts'
import type { Endpoint } from './endpoint.ts'
import type { Intake, Incoming, Receiver, Window } from './receiver.ts'
import type { Replies } from './replies.ts'
import type { Sender } from './sender.ts'
import type { Topology } from './topology.ts'

/** What core gives to a driver. A driver uses no other source of time, randomness or logging. */
export interface Services {
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** `event` is `noun:verb`; `data` must hold no secret and no message body. */
  readonly log: (level: 'debug' | 'info' | 'warn' | 'error', event: string, data: Readonly<Record<string, unknown>>) => void
  /** Counts calls to the backend by name, as the backend bills them. */
  readonly meter: (call: string, count: number) => void
}

/** State of a link; `reconnecting` carries the last error. */
export type LinkHealth = { readonly state: 'connected' } | { readonly state: 'reconnecting' | 'closed'; readonly error?: Error }

/** Counts of one source at the broker. A field is `undefined` exactly when its `stats` capability is `none`, and an approximate age also as long as the broker has no figure. */
export interface EndpointStats {
  /** Messages that could be delivered now. */
  readonly ready: number | undefined
  /** Delivered and not settled. */
  readonly inFlight: number | undefined
  /** Not due yet. */
  readonly delayed: number | undefined
  readonly oldestAgeMs: number | undefined
}

/** One page of an exact peek. */
export interface BrowsePage {
  readonly messages: readonly Incoming[]
  /** Pass it to get the next page; absent on the last. */
  readonly cursor?: string
}

/** How messages are to be moved. */
export interface MoveOptions {
  /** Most messages in a second; above 0. Default: as fast as the broker does it. */
  readonly ratePerSecond?: number
  /** Stops the move: what was moved by then stays moved. `move` then rejects with its reason. */
  readonly signal?: AbortSignal
  /** Called with the number of messages moved so far, whenever the driver learns of more. */
  readonly onProgress?: (moved: number) => void
}

/** A broker as one adapter sees it. Immutable; may be used for several links. */
export interface Driver<Native = unknown> {
  /** For texts only: core never branches on it. */
  readonly name: string
  /** Pure and synchronous, from options alone: the first half of negotiation. Checks names and the route's options too. */
  capabilities(endpoint: Endpoint): Capabilities | Refusal
  /** The physical resource behind an endpoint; two endpoints of one driver with equal addresses are refused as a collision. Pure. */
  address(endpoint: Endpoint): string
  /** Further names that the endpoint takes at the broker, such as those of its partitions: no other endpoint may have them. Pure. */
  reserves?(endpoint: Endpoint): readonly string[]
  /**
   * How many messages a consumer that does not set `maxInFlight` holds at least: as many as it takes that round trips to the backend are not the limit of fast handlers, and
   * no more, since what a process holds beyond its running handlers waits there, whoever else is idle. Default 0: twice `concurrency` is enough. Pure.
   */
  leastInFlight?(endpoint: Endpoint): number
  /**
   * Connects and authenticates. Who retries: core, until its own deadline, by `error.retryable`. Called once per broker; reconnecting afterwards is the driver's work.
   * Throws `BrokerError`, which names the driver, as all its errors do, and holds no message body; `AbortError` when `signal` fires or has fired.
   */
  connect(services: Services, signal: AbortSignal): Promise<Link<Native>>
}

/** A live connection (or pool of them) to a broker. */
export interface Link<Native = unknown> {
  /** The client library's own object. */
  readonly native: Native
  /** Second half of negotiation: facts that only the broker knows. May narrow, never widen. Throws `ERR_NOT_FOUND` if the endpoint does not exist. */
  inspect(endpoint: Endpoint, signal: AbortSignal): Promise<Capabilities>
  /**
   * Cheap and synchronous; connects lazily if it must. With a subscription it sends to that subscription alone, past its topic:
   * asked for only where the endpoint's `redrive` is not `none`.
   */
  sender(endpoint: Endpoint): Sender
  /** `false` where nothing can be received from this driver at all. */
  readonly receiver: ((endpoint: Endpoint, intake: Intake, window: Window) => Receiver) | false
  readonly replies?: Replies
  readonly topology?: Topology
  /** Present if any field of the `stats` capability is not `none`, for any endpoint. */
  stats?(endpoint: Endpoint, signal: AbortSignal): Promise<EndpointStats>
  /** Present if and only if `peek` is `exact` for any endpoint; rejects with `ERR_UNSUPPORTED` for the others. At most `limit` messages per page. */
  browse?(endpoint: Endpoint, options: { readonly cursor?: string; readonly limit: number }, signal: AbortSignal): Promise<BrowsePage>
  /**
   * Present if `redrive` is `native`. Lets the broker move all messages of a dead-letter place to a queue, without copies that pass through here; resolves when
   * they are moved. A message keeps its body, headers, identity and key; its attempts count from 0, and where it is received it has no `busbar-dead` header.
   * Who retries: the driver, as long as the move goes on. Throws `ERR_UNSUPPORTED` for endpoints and rates that the broker does not take.
   */
  move?(from: Endpoint, to: Endpoint, options: MoveOptions): Promise<{ readonly moved: number }>
  health(): LinkHealth
  /** Called once, after the last sender, receiver and `replies` are closed. Bounded by the driver's own deadline. */
  close(): Promise<void>
}

/** What `connect()` is given for each driver, so that configuration alone can choose among them. */
export interface DriverFactory<Options = never> {
  (options: Options): Driver
  /** URL schemes without the colon; the first is also the driver's name in configuration objects. */
  readonly schemes: readonly string[]
  /** Throws `ERR_CONFIGURATION` for unknown or illegal parts, naming them without secrets. */
  fromUrl(url: URL): Driver
  /** From the `options` of a configuration object or file; as strict as {@link DriverFactory.fromUrl}. */
  fromConfiguration(options: Readonly<Record<string, unknown>>): Driver
}
