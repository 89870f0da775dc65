/** Where a fault can take effect. */
export type FaultOperation = 'connect' | 'send' | 'deliver' | 'settle'

export const operations: readonly FaultOperation[] = ['connect', 'send', 'deliver', 'settle']

/** Something that real brokers and networks do. Faults never break what a profile promises: order, and no loss of what was confirmed. */
export type Fault =
  /** `send`: the messages are stored twice. `deliver`: one comes again while the first is still held (per-message leases), or later. */
  | { readonly kind: 'duplicate' }
  /** `deliver`: the batch is shuffled, keeping what the profile promises to keep: it strikes only batches that can have another order, never those of a stream or of a topic of MQTT. */
  | { readonly kind: 'reorder' }
  /** `connect`, `send`, `settle`: the answer takes `ms` longer. `deliver`: the receiver gets nothing for `ms`. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The link is down for `downMs` (default 0: it reconnects at once). An open request is not answered; on `send` and `settle` chance decides whether it had arrived. */
  | { readonly kind: 'drop-connection'; readonly downMs?: number }
  /** `settle`: the request is answered by an error or, where brokers give no answer, not at all. `applied` (default: by chance): had it arrived? */
  | { readonly kind: 'lose-ack'; readonly applied?: boolean }
  /** `send`: the answer is lost. `stored` (default true): had the request arrived? */
  | { readonly kind: 'lose-response'; readonly stored?: boolean }
  /** `connect`, `send`, `settle`: refused for now. Not at `settle` where acks have no answer. */
  | { readonly kind: 'throttle' }
  /** `send`: a part of the batch is refused: every other message where batches can fail in part, else its end. */
  | { readonly kind: 'fail-part' }
  /** `deliver`, `settle`: the process that holds the link is taken for dead: all its deliveries are lost and come again. */
  | { readonly kind: 'crash-consumer' }
  /** `deliver`, `settle`: one scope of the receiver (a receipt, a shard, a channel, a session) is taken away. */
  | { readonly kind: 'steal-lease' }

export type FaultKind = Fault['kind']

/** When a fault takes effect; calls are counted where it can. Without `nth`, `every` and `probability`: each time. */
export interface FaultRule {
  readonly at: {
    readonly operation: FaultOperation
    /** Name of the queue, `topic.subscription`, topic or stream; not at `connect`. Default: any. */
    readonly place?: string
    /** The n-th call only; from 1. */
    readonly nth?: number
    /** Every n-th call. */
    readonly every?: number
    /** 0 to 1, decided by the seed. */
    readonly probability?: number
  }
  readonly fault: Fault
  /** Most often that it takes effect. Default: no limit. */
  readonly times?: number
}

/** A random schedule: the seed decides where each fault strikes. */
export interface RandomFaults {
  /** Of a fault at each operation; 0 to 1. */
  readonly probability: number
  /** Default: all kinds. */
  readonly kinds?: readonly FaultKind[]
  /** Faults in all, after which the broker behaves, so that every run ends. Default 100. */
  readonly budget?: number
  /** Longest delay and down time in milliseconds. Default 5,000. */
  readonly maxMs?: number
}

export interface FaultPlan {
  readonly rules?: readonly FaultRule[]
  readonly random?: RandomFaults
}

export const operationsOf: Readonly<Record<FaultKind, readonly FaultOperation[]>> = {
  duplicate: ['send', 'deliver'],
  reorder: ['deliver'],
  delay: ['connect', 'send', 'deliver', 'settle'],
  'drop-connection': ['send', 'deliver', 'settle'],
  'lose-ack': ['settle'],
  'lose-response': ['send'],
  throttle: ['connect', 'send', 'settle'],
  'fail-part': ['send'],
  'crash-consumer': ['deliver', 'settle'],
  'steal-lease': ['deliver', 'settle'],
}

export const faultKinds: readonly FaultKind[] = Object.keys(operationsOf) as FaultKind[]
