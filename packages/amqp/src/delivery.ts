import type { Delivery, Incoming } from '@busbar/core/driver'
import type { ConsumeMessage } from 'amqplib'
import type { ConsumerChannel } from './consumer-channel.ts'
import { deliveryCount, incomingOf, metadataOf } from './message-mapping.ts'

/** `open`: at core. `marked`: to be acked by the next flush. `copying`: its copy is on the way. `settled`: its tag is used up or dead. */
export type DeliveryState = 'open' | 'marked' | 'copying' | 'settled'

/** What is known of all deliveries of one source. */
export interface DeliverySource {
  /** The queues count deliveries (quorum). */
  readonly counted: boolean
  /** The address of the endpoint that a queue belongs to. */
  readonly addressOf: (queue: string) => string
}

/** One delivery: owns its channel and its tag, and a place in the channel's list of what is unsettled. */
export class AmqpDelivery implements Delivery {
  readonly scope: ConsumerChannel
  readonly native: ConsumeMessage
  readonly incoming: Incoming
  readonly brokerAttempts: number | undefined
  leaseUntil: number | undefined
  state: DeliveryState = 'open'
  /** Whether core has it. */
  handed = false
  previous: AmqpDelivery | undefined
  next: AmqpDelivery | undefined

  constructor(scope: ConsumerChannel, native: ConsumeMessage, { counted, addressOf }: DeliverySource) {
    this.scope = scope
    this.native = native
    const metadata = metadataOf(native)
    this.incoming = incomingOf(native, metadata, addressOf)
    this.brokerAttempts = counted ? deliveryCount(native, metadata) : undefined
    this.leaseUntil = undefined
  }

  get sameAs(): string | undefined {
    return this.incoming.id
  }
}
