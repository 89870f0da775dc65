import type { Message } from '@aws-sdk/client-sqs'
import type { Delivery, Incoming, Scope } from '@busbar/core/driver'
import { incomingOf, receiveCount, type Reading } from './incoming.ts'
import { limits } from './limits.ts'

/** `held`: ours, as far as this process knows. `acked`, `given-back`: SQS has taken the outcome. `superseded`: the message was received again, and so has another receipt. */
export type DeliveryState = 'held' | 'acked' | 'given-back' | 'superseded'

/** When a receive was made and answered, in monotonic milliseconds. */
export interface ReceiveTimes {
  readonly askedAt: number
  readonly answeredAt: number
}

/** How long an answer may have been on its way: the visibility timeout began when SQS sent it. */
const longestWayMs = 1_000

/** One delivery: owns its receipt, and is the scope in which it alone can be lost. */
export class SqsDelivery implements Delivery, Scope {
  readonly native: Message
  readonly incoming: Incoming
  readonly brokerAttempts: number | undefined
  leaseUntil: number
  state: DeliveryState = 'held'
  /** Monotonic milliseconds after which SQS extends the receipt no more. */
  readonly extendableUntil: number

  constructor(native: Message, reading: Reading, visibilityMs: number, { askedAt, answeredAt }: ReceiveTimes) {
    this.native = native
    this.incoming = incomingOf(native, reading)
    this.brokerAttempts = receiveCount(native)
    const receivedAt = Math.max(askedAt, answeredAt - Math.min(longestWayMs, visibilityMs / 10))
    this.leaseUntil = receivedAt + visibilityMs
    this.extendableUntil = receivedAt + limits.visibilityMs
  }

  get scope(): Scope {
    return this
  }

  get id(): string {
    return this.native.MessageId ?? ''
  }

  get sameAs(): string | undefined {
    return this.native.MessageId
  }

  get receipt(): string {
    return this.native.ReceiptHandle ?? ''
  }
}
