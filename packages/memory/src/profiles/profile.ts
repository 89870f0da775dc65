import type { BrokerError, Capabilities, Endpoint, Outgoing, Refusal } from '@busbar/core/driver'
import type { FaultKind, FaultOperation } from '../faults/plan.ts'
import type { QueueBehaviour } from '../queue/behaviour.ts'
import type { StreamBehaviour } from '../stream/behaviour.ts'

export const profileNames = ['full', 'sqs-standard', 'sqs-fifo', 'sns', 'kinesis', 'rabbitmq', 'mqtt'] as const
/** Which broker the memory driver behaves like. `full` has every capability that a broker in one process can honestly have. */
export type ProfileName = (typeof profileNames)[number]

/** What kind of thing serves an endpoint. */
export type Engine = 'queue' | 'topic' | 'stream'

/** Settings of the driver that change what a profile declares. */
export interface ProfileSettings {
  /** Length of a lease in milliseconds, where leases are per message. */
  readonly leaseMs: number
  /** Standard queues: choose the next message from so many at the front. */
  readonly disorder: number
  /** Streams: enforce the write rates. */
  readonly throttle: boolean
}

/** One broker's limits, capabilities and behaviour. Pure: profiles hold no state. */
export interface Profile {
  readonly name: ProfileName
  /** `Refusal` for what the broker does not have and for names and options that it would not take. */
  capabilities(endpoint: Endpoint, settings: ProfileSettings): Capabilities | Refusal
  /** Physical name of a resource. */
  physicalName(name: string, keyed: boolean): string
  /** What serves endpoints of a kind that `capabilities` does not refuse. */
  engine(kind: Endpoint['kind']): Engine
  queue(endpoint: Pick<Endpoint, 'kind' | 'keyed'>, settings: ProfileSettings): QueueBehaviour
  readonly stream: StreamBehaviour
  /** Messages can be looked at without disturbing them. */
  readonly browses: boolean
  /** It moves the messages of one queue to another by itself. */
  readonly moves: boolean
  /** It tells at least one of the counts. */
  readonly counts: boolean
  readonly replies: boolean
  /** Longest filled address of a topic; `false`: it has no address templates. */
  readonly addressBytes: number | false
  /** A topic drops repeated deduplication ids within so many milliseconds. */
  topicDeduplicationMs(keyed: boolean): number | undefined
  /** Most subscriptions of one topic. */
  maxSubscriptions(keyed: boolean): number
  /** Why a fault cannot be seen at an operation anywhere in this broker. */
  cannotShow(kind: FaultKind, operation: FaultOperation): string | undefined
  /** Bytes as the broker counts them. `place`: what it is sent to, where the name of that travels with it. */
  sizeOf(message: Outgoing, place: string): number
  /** Why the broker does not take a message, apart from its size. */
  refuse(message: Outgoing, endpoint: Endpoint): BrokerError | undefined
}
