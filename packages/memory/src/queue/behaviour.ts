/** How a queue of one broker behaves. Pure data; the profiles are made of it. */
export interface QueueBehaviour {
  /** `groups`: Amazon SQS FIFO. `held`: the same rule for each key, the keys in the order of arrival. `pipelined`: a key belongs to who holds messages of it. `fair`: a key is a tenant, of whom a noisy one waits for the others. `none`: keys mean nothing. */
  readonly order: 'groups' | 'held' | 'pipelined' | 'fair' | 'none'
  /** A delivery stays with its receiver for `ms`, at most `maxMs` after receipt by extension; `false`: as long as the receiver's session. */
  readonly lease: { readonly ms: number; readonly maxMs: number } | false
  /** Without a lease: after so long without a settlement the broker ends the session. `Infinity`: never. */
  readonly maxHoldMs: number
  /** `prefix`: an ack counts when all earlier deliveries of the session are acked. */
  readonly settlement: 'individual' | 'prefix'
  /** What a settlement answers. */
  readonly answer: 'durable' | 'accepted'
  /** Standard queues: an expired receipt still deletes, as long as nobody else has the message. `repeated`: only a second delete by the receipt that has deleted it. */
  readonly lateSettle: 'works' | 'repeated' | 'refused'
  /** Can a message be given back at all without losing the session? */
  readonly givesBack: boolean
  readonly releaseCounts: boolean
  /** Does the broker give messages ids of its own? Otherwise a redelivery is known by the sender's id. */
  readonly ownIds: boolean
  /** Does the broker tell how often it delivered a message? */
  readonly tellsCount: boolean
  /** Delays are whole multiples of this many milliseconds, rounded up. */
  readonly stepMs: number
  /** Can a message have a delay of its own? Otherwise that of the queue applies to all. */
  readonly delays: boolean
  /** Does a change of the queue's delay reach what is stored and was never received? */
  readonly delayReachesStored: boolean
  /** Times to live are whole multiples of this many milliseconds, rounded up. */
  readonly timeToLiveStepMs: number
  /** Does a time to live still count for what has been delivered before? */
  readonly expiresDelivered: boolean
  /** Where there is a dead-letter queue: does it get what has expired? */
  readonly deadLettersExpired: boolean
  /** How long the broker keeps a message, in milliseconds. */
  readonly retentionMs: number
  /** Is that counted from the first send when a message is moved to a dead-letter queue? */
  readonly movedKeepsAge: boolean
  /** Most messages in flight; beyond, receivers get nothing and no error. */
  readonly maxInFlight: number
  /** FIFO: so many messages from the front on, in flight or not, are looked at to find a group that can be served. */
  readonly lookAhead: number
  /** Most messages unsettled with one receiver, whatever its window. */
  readonly maxUnsettled: number
  /** Most entries of one call that settles or extends. */
  readonly maxSettle: number
  /** Longest `retry` delay, counted from the receipt where the message keeps its place, else from the retry. A longer one is an error, never clamped. */
  readonly maxRetryMs: number
  /** A retry keeps the message's place, or is sent as a new message to the end, with the number of handler starts. */
  readonly retryBy: 'place' | 'republish'
  /** Is the number of handler starts kept with the message when it is given back in place? */
  readonly carriesAttempt: boolean
  readonly requeue: 'place' | 'return-order'
  /** Most messages that one delivery brings; real receive calls have such a limit. */
  readonly maxReceive: number
  readonly priorities: number
  readonly deduplication: { readonly windowMs: number } | false
  /** `native`: `discard` moves to the dead-letter queue. */
  readonly discards: boolean
  /** 1 is strict; otherwise the next message is chosen from so many at the front. */
  readonly disorder: number
  /** Only one receiver at a time: a second one takes over. */
  readonly exclusive: boolean
  /** What a purge removes; `nothing`: there is none. */
  readonly purges: 'everything' | 'ready' | 'nothing'
  /** Shortest time between two purges, in milliseconds. */
  readonly purgeEveryMs: number
}
