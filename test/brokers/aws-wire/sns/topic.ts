import { DeduplicationMemory, snsLimits } from '@busbar/memory/engine'
import { arnOf, type Account } from '../account.ts'
import { deliver } from './deliver.ts'
import type { Notification } from './message.ts'
import type { Subscription } from './subscription.ts'

/** What a publish answers. */
export interface Published {
  readonly MessageId: string
  readonly SequenceNumber: string | undefined
}

/** One topic: it keeps nothing, and gives each subscription that wants it a copy. */
export class Topic {
  readonly arn: string
  readonly name: string
  readonly region: string
  readonly fifo: boolean
  attributes: ReadonlyMap<string, string>
  readonly tags: Map<string, string>
  /** By ARN. */
  readonly subscriptions: Map<string, Subscription> = new Map<string, Subscription>()
  readonly #account: Account
  readonly #deduplication: DeduplicationMemory

  constructor(account: Account, region: string, name: string, attributes: ReadonlyMap<string, string>, tags: Map<string, string>) {
    this.#account = account
    this.arn = arnOf('sns', region, name)
    this.name = name
    this.region = region
    this.fifo = attributes.get('FifoTopic') === 'true'
    this.attributes = attributes
    this.tags = tags
    this.#deduplication = new DeduplicationMemory(account.limits.deduplicationMs)
  }

  /** Largest message in bytes. */
  get maxBytes(): number {
    return Number(this.attributes.get('MaximumMessageSize') ?? snsLimits.messageBytes)
  }

  /** A repeated deduplication id is answered like the first message, and not delivered. */
  publish(notification: Notification): Published {
    const { world } = this.#account
    const id = world.nextId()
    const original = this.fifo ? this.#deduplication.original(this.#deduplicationKey(notification), id, world.clock.monotonic()) : undefined
    if (original !== undefined) return this.#published(original)
    const published = this.#published(id)
    for (const subscription of this.subscriptions.values())
      if (subscription.wants(notification)) deliver(this.#account, this, subscription, notification, published)
    return published
  }

  #published(id: number): Published {
    return {
      MessageId: this.#account.uuid('notification', id),
      SequenceNumber: this.fifo ? String(10_000_000_000_000_000_000n + BigInt(id) * 1_000n) : undefined,
    }
  }

  #deduplicationKey({ groupId, deduplicationId }: Notification): string {
    return this.attributes.get('FifoThroughputScope') === 'MessageGroup' ? `${groupId} ${deduplicationId}` : `${deduplicationId}`
  }
}
