import { within, type BrokerError, type Intake, type Timer, type Window } from '@busbar/core/driver'
import type { Channel } from 'amqplib'
import type { AmqpDelivery } from './delivery.ts'
import { amqpError, isNotFound, toBrokerError } from './errors.ts'
import type { Keeper } from './keeper.ts'
import { membersName, partitionNames } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import { planPartitions, prefetchOf } from './partition-plan.ts'
import { Subscription, type SubscriptionHost } from './subscription.ts'

/**
 * The partition queues of one source. Every process waits on all of them, each on a channel of its own, and the broker makes one the active consumer of
 * each queue. Processes count each other by a queue that all of them consume and nobody sends to, and give up what is more than their share.
 */
export class Partitions implements Keeper {
  readonly #base: string
  readonly #host: SubscriptionHost
  readonly #options: ResolvedOptions
  readonly #intake: Intake
  readonly #subscriptions: readonly Subscription[]
  /** Partitions on their way to another process. */
  readonly #leaving: Set<number> = new Set()
  readonly #window: Window
  #control: Channel | undefined
  /** Waited for at every count, however long the broker takes: a second consumer would be counted as a member. */
  #joined: Promise<unknown> = Promise.resolve()
  #members = 1
  #timer: Timer | undefined
  #stopped = false
  #paused = false

  constructor(base: string, partitions: number, window: Window, host: SubscriptionHost, options: ResolvedOptions, intake: Intake) {
    this.#base = base
    this.#window = window
    this.#host = host
    this.#options = options
    this.#intake = intake
    this.#subscriptions = partitionNames(base, partitions).map(
      (queue, partition) => new Subscription(queue, partition, prefetchOf(window.messages, partitions), host),
    )
  }

  async start(): Promise<void> {
    const partitions = this.#subscriptions.length
    if (this.#window.messages < partitions) {
      throw amqpError(
        'ERR_CONFIGURATION',
        `Consuming ${this.#base}: maxInFlight ${this.#window.messages} is below its ${partitions} partitions; raise it to at least that.`,
      )
    }
    try {
      this.#members = await this.#countMembers()
      await allOf(this.#subscriptions.map((subscription) => subscription.start()))
    } catch (error) {
      // What was got of them must not stay with somebody who does not consume it.
      await this.stop()
      throw error
    }
    this.#arm()
  }

  get whole(): boolean {
    return this.#subscriptions.every(({ channel }) => channel !== undefined)
  }

  // Order needs the same window of a partition in whoever comes next: see `prefetchOf`.
  resize(): Promise<void> {
    return Promise.resolve()
  }

  // The channels stay: a cancelled single active consumer would be overtaken by the next while its own messages are still worked on.
  pause(): Promise<void> {
    this.#paused = true
    return Promise.resolve()
  }

  resume(): Promise<void> {
    this.#paused = false
    return Promise.resolve()
  }

  /** Order survives only if the whole channel goes. */
  giveBack(delivery: AmqpDelivery): boolean {
    if (delivery.state !== 'open' || !delivery.scope.open) return false
    const subscription = this.#subscriptions.find(({ channel }) => channel === delivery.scope)
    if (subscription !== undefined) void this.#handOver(subscription)
    return subscription !== undefined
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    const control = this.#control
    this.#control = undefined
    const { connection } = this.#host.manager
    await Promise.all([...this.#subscriptions.map((subscription) => subscription.stop()), control && connection?.closeChannel(control)])
  }

  #arm(): void {
    const { clock, random } = this.#host.services
    // Uneven, so that processes do not move partitions at the same moment.
    const waitMs = this.#options.rebalanceMs * (0.75 + random() / 2)
    this.#timer = clock.timer(clock.monotonic() + waitMs, () => void this.#balance())
  }

  async #balance(): Promise<void> {
    try {
      await this.#rebalance()
    } catch (error) {
      // The connection is lost, or the queue that counts members is: partitions work on, and the next tick asks again.
      if (!this.#stopped) this.#host.services.log('debug', 'partitions:unknown', { source: this.#base, error: String(error) })
    }
    if (!this.#stopped) this.#arm()
  }

  async #rebalance(): Promise<void> {
    const membersBefore = this.#members
    this.#members = await this.#countMembers()
    if (this.#stopped || this.#paused) return
    const held = this.#subscriptions.flatMap(({ partition = 0, channel }) => {
      return channel === undefined || this.#leaving.has(partition) ? [] : [{ partition, active: channel.active, unsettled: channel.unsettled }]
    })
    const partitions = this.#subscriptions.length
    const plan = planPartitions({ partitions, members: this.#members, membersBefore, held })
    if (plan.handOver.length + plan.requeue.length > 0) {
      this.#host.services.log('debug', 'partitions:move', { source: this.#base, members: this.#members, handOver: plan.handOver, requeue: plan.requeue })
    }
    for (const partition of plan.handOver) void this.#handOver(this.#at(partition))
    await Promise.all(plan.requeue.map((partition) => this.#requeue(this.#at(partition))))
  }

  /** Joins the end of the line for a partition from which nothing has come. */
  async #requeue(subscription: Subscription): Promise<void> {
    if (subscription.channel?.active === true) return
    await subscription.renew()
  }

  /** Lets the running handlers of a partition end, then closes its channel: what is unsettled goes in order to the next in line. */
  async #handOver(subscription: Subscription): Promise<void> {
    const { partition = 0, channel } = subscription
    if (channel === undefined || this.#leaving.has(partition)) return
    this.#leaving.add(partition)
    try {
      channel.drop()
      await this.#intake.revoke(channel, this.#options.handOverMs)
      if (this.#stopped || subscription.channel !== channel) return
      // Told before the channel goes, so that core knows it when the messages come again.
      if (channel.unsettledAtCore > 0) this.#intake.lost(channel, this.#tooLate(partition))
      await subscription.renew()
    } finally {
      this.#leaving.delete(partition)
    }
  }

  #tooLate(partition: number): BrokerError {
    return amqpError('ERR_TOO_LATE', `Partition ${partition} of ${this.#base} went to another process before its handlers ended.`)
  }

  #at(partition: number): Subscription {
    return this.#subscriptions[partition] as Subscription
  }

  async #countMembers(): Promise<number> {
    const { restoration } = this.#host
    const { generation } = restoration
    try {
      return await this.#askMembers()
    } catch (error) {
      if (!isNotFound(error) || this.#stopped || !(await restoration.recreate(generation))) throw error
      return await this.#askMembers()
    }
  }

  async #askMembers(): Promise<number> {
    const queue = membersName(this.#base)
    const { timeoutMs, services } = this.#host
    const late = (): BrokerError => amqpError('ERR_UNAVAILABLE', `Counting the members of ${this.#base}: no answer within ${timeoutMs} ms`)
    try {
      const control = this.#control ?? (await this.#join(queue))
      const { consumerCount } = await within(
        this.#joined.then(() => control.checkQueue(queue)),
        timeoutMs,
        services.clock,
        late,
      )
      return Math.max(1, consumerCount)
    } catch (error) {
      throw toBrokerError(error, `Counting the members of ${this.#base}`)
    }
  }

  async #join(queue: string): Promise<Channel> {
    const { manager } = this.#host
    const { connection } = manager
    if (connection === undefined) throw manager.reason
    let closed = false
    const channel: Channel = await connection.openChannel(() => {
      closed = true
      if (this.#control === channel) this.#control = undefined
    })
    if (this.#stopped) await connection.closeChannel(channel)
    this.#joined = channel.consume(queue, () => undefined)
    if (!closed) this.#control = channel
    return channel
  }
}

/** Waits for all of them also when one fails, so that none is still under way. Throws the first failure. */
async function allOf(starts: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(starts)) if (result.status === 'rejected') throw result.reason
}
