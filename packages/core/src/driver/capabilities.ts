/** How exact a count or a position is. */
export type Exactness = 'exact' | 'approximate' | 'none'

/**
 * What one endpoint can do. Every key is required, so that a new key fails to compile in every adapter until it has been answered.
 * Found in two steps: {@link Driver.capabilities} from options alone, then {@link Link.inspect}, which may narrow but never widen.
 */
export interface Capabilities {
  readonly kind: 'queue' | 'topic' | 'stream'
  /** `at-most-once` loses what a crashed consumer held. */
  readonly delivery: 'at-least-once' | 'at-most-once'
  /** `key`: messages with equal keys come in the order sent. `destination`: all messages do. */
  readonly ordering: 'none' | 'key' | 'destination'
  /** Who keeps the later messages of a failed key back: the broker (FIFO groups), this process (all others with order), nobody: `false` exactly where `ordering` is `none`. */
  readonly keyHold: 'broker' | 'process' | false
  /** What keeps a delivery ours. `message`: for `ms`, extendable up to `maxMs` after receipt. `scope`: as long as its scope lives, at most `maxHoldMs`. */
  readonly lease:
    | { readonly kind: 'message'; readonly ms: number; readonly maxMs: number }
    | { readonly kind: 'scope'; readonly maxHoldMs: number | false }
    | false
  /** `prefix`: an ack becomes durable when everything before it is acked. `maxBatch` and `lingerMs` tell core how to batch `settle` calls. */
  readonly settlement: { readonly mode: 'individual' | 'prefix'; readonly maxBatch: number; readonly lingerMs: number } | false
  /** Does handing back a message that was never started raise the broker's delivery count? */
  readonly releaseCounts: boolean
  /** `partial`: message 3 of a batch can be stored while 2 is not, so core sends at most one message of a key per request in strict order. */
  readonly batchOrder: 'atomic' | 'partial'
  /**
   * `kept`: messages of a key in calls of `Sender.send` that are out at once are stored in the order of the calls. `none`: one call can overtake another, so core
   * has one out for each key, in pipelined order too. Known from options alone: {@link Link.inspect} answers the same.
   */
  readonly callOrder: 'kept' | 'none'
  /**
   * How a failed message can be given back to the broker. `onReconnect`: unsettled messages come again after a lost scope. An outcome that is not declared here is answered
   * with `ERR_UNSUPPORTED`, or does no harm.
   */
  readonly redelivery: {
    readonly immediate: boolean
    readonly delayed: { readonly maxMs: number; readonly keepsOrder: boolean } | false
    readonly onReconnect: boolean
  }
  /** Delayed send. A due message may arrive up to `resolutionMs` late. */
  readonly delay: { readonly maxMs: number; readonly resolutionMs: number } | false
  /** The broker drops a second send with the same deduplication id inside the window. */
  readonly deduplication: { readonly windowMs: number } | false
  /** `native`: `settle(discard)` moves the message to the broker's own dead-letter place. `emulated`: core publishes a copy. */
  readonly deadLetter: 'native' | 'emulated' | 'none'
  /** `disturbing`: looking raises delivery counts or hides messages for a while. */
  readonly peek: 'exact' | 'disturbing' | 'none'
  /**
   * Of dead letters back to this source, and to it alone. `copy`: core receives and republishes. `native`: that, and dead letters that are here can be moved by
   * {@link Link.move}. `none`: only its topic or stream could be sent to, with all its other subscriptions.
   */
  readonly redrive: 'native' | 'copy' | 'none'
  /** Kinds of position a subscription can be set to. */
  readonly replay: { readonly earliest: boolean; readonly timestamp: boolean; readonly position: boolean } | false
  readonly filter: 'native' | 'none'
  readonly headerFilter: 'native' | 'none'
  /** Parameters in a topic's name: each message has an address of its own, and a subscription gets those of all addresses, or of some. `none`: such endpoints are refused. */
  readonly addressTemplates: 'native' | 'none'
  /** `upper-bound`: the broker's count also rises for releases and crashes. */
  readonly deliveryAttempt: 'exact' | 'upper-bound' | 'none'
  /** Largest message as the backend counts it, body and headers. */
  readonly maxMessageBytes: number
  /** Most user headers on one message; `false`: bounded by bytes alone. */
  readonly maxHeaders: number | false
  /**
   * Limits of one `Sender.send` call; `inFlight`: calls out at once. `eager`: a call costs no round trip of its own, so that messages go at once instead of
   * waiting for a full call while others are out.
   */
  readonly maxBatch: { readonly messages: number; readonly bytes: number; readonly inFlight: number; readonly eager?: true }
  /**
   * Several consumers share one source, each message going to one of them. `false`: a second one is refused by its `start`, gets nothing while the first lives, or
   * takes its place for good; the one that was replaced is told by `failed` with `fatal`.
   */
  readonly competingConsumers: boolean
  readonly subscriptions: 'durable' | 'ephemeral' | false
  readonly requestReply: boolean
  readonly timeToLive: { readonly maxMs: number } | false
  readonly priority: { readonly levels: number } | false
  readonly stats: {
    readonly ready: Exactness
    readonly inFlight: Exactness
    readonly delayed: Exactness
    readonly oldestAgeMs: Exactness
  }
  /** Message timestamps arrive cut to this many milliseconds: 1, or 1,000 where the protocol carries seconds. */
  readonly timestampResolutionMs: number
  /** A resolved send means that the broker has taken responsibility. */
  readonly confirms: boolean
}

/** A driver's answer for an endpoint that it cannot serve at all. */
export interface Refusal {
  /** Why, as a sentence without the endpoint's name: `SQS has no topics`. */
  readonly refused: string
  /** What to do instead, as an imperative: `route it to the sns driver`. */
  readonly remedy: string
}
