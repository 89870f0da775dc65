import { isBrokerError, type Change, type Driver, type Endpoint, type Topology } from '@busbar/core/driver'
import type { Api, Attributes } from './api.ts'
import type { Arns } from './arns.ts'
import { changesOf, type SubscriptionChange } from './subscription-changes.ts'
import { addressOf } from './names.ts'
import { wantedOf, type WantedSubscription, type WantedTopic } from './wanted.ts'

export interface TopologyParts {
  readonly api: Api
  readonly arns: Arns
  /** The driver for SQS, and what provisions its queues. */
  readonly queueDriver: Driver
  readonly queues: Topology
}

/**
 * Topics, the queues of their subscriptions, and the subscriptions. Topics and queues are looked at by their names; subscriptions have none, so that those of the topic are
 * listed until that of the queue is found.
 */
export class SnsTopology implements Topology {
  readonly #parts: TopologyParts

  constructor(parts: TopologyParts) {
    this.#parts = parts
  }

  async plan(endpoints: readonly Endpoint[], signal: AbortSignal): Promise<readonly Change[]> {
    const { topics, queues, subscriptions } = await this.#wanted(endpoints)
    const changes: Change[] = []
    const missing = new Set<string>()
    for (const wanted of topics) {
      const current = await this.#topic(wanted, signal)
      if (current === undefined) missing.add(wanted.arn)
      changes.push(...(current === undefined ? [creation(wanted)] : differences(wanted, current).map(([name, value]) => update(wanted, name, value, current))))
    }
    changes.push(...(await this.#parts.queues.plan(queues, signal)))
    for (const wanted of subscriptions) {
      const found = missing.has(wanted.topicArn) ? undefined : await this.#subscription(wanted, signal)
      changes.push(...(found === undefined ? [subscribing(wanted)] : found.changes))
    }
    return changes
  }

  async apply(endpoints: readonly Endpoint[], _changes: readonly Change[], signal: AbortSignal): Promise<void> {
    const { api, queues: queueTopology } = this.#parts
    const { topics, queues, subscriptions } = await this.#wanted(endpoints)
    for (const wanted of topics) {
      const context = { doing: `Creating ${addressOf(wanted.topic)}`, signal }
      const current = await this.#topic(wanted, signal)
      if (current === undefined) await api.createTopic(wanted.topic.name, { ...(wanted.topic.fifo && { FifoTopic: 'true' }), ...wanted.attributes }, context)
      else for (const [name, value] of differences(wanted, current)) await api.setTopicAttribute(wanted.arn, name, value, context)
    }
    await queueTopology.apply(queues, [], signal)
    for (const wanted of subscriptions) await this.#applySubscription(wanted, signal)
  }

  async #applySubscription(wanted: WantedSubscription, signal: AbortSignal): Promise<void> {
    const { api } = this.#parts
    const context = { doing: `Subscribing ${wanted.label}`, signal }
    const found = await this.#subscription(wanted, signal)
    if (found === undefined) return api.subscribe(wanted.topicArn, wanted.queueArn, attributesOf(wanted), context)
    for (const { set } of found.differences) for (const [name, value] of set) await api.setSubscriptionAttribute(found.arn, name, value, context)
  }

  /** The subscription that there is, and how it differs; `undefined` if there is none. */
  async #subscription(
    wanted: WantedSubscription,
    signal: AbortSignal,
  ): Promise<{ readonly arn: string; readonly changes: readonly Change[]; readonly differences: readonly SubscriptionChange[] } | undefined> {
    const { api } = this.#parts
    const context = { doing: `Looking at the subscription ${wanted.label}`, signal }
    const arn = await api.subscriptionOf(wanted.topicArn, wanted.queueArn, context)
    if (arn === undefined) return undefined
    const resource = `subscription ${wanted.label}`
    if (!arn.startsWith('arn:')) {
      const text = `The owner of the queue ${wanted.queueArn} has to confirm its subscription to ${wanted.topicArn}.`
      return { arn, changes: [{ resource, kind: 'missing', text }], differences: [] }
    }
    const found = changesOf(wanted, await api.subscriptionAttributes(arn, context))
    const changes = found.map(({ text }): Change => ({ resource, kind: 'update', text, permission: 'sns:SetSubscriptionAttributes' }))
    return { arn, changes, differences: found }
  }

  #wanted(endpoints: readonly Endpoint[]): ReturnType<typeof wantedOf> {
    return wantedOf(endpoints, this.#parts.arns, this.#parts.queueDriver)
  }

  async #topic({ topic, arn }: WantedTopic, signal: AbortSignal): Promise<Attributes | undefined> {
    try {
      return await this.#parts.api.topicAttributes(arn, { doing: `Looking at ${addressOf(topic)}`, signal })
    } catch (error) {
      if (isBrokerError(error) && error.code === 'ERR_NOT_FOUND') return undefined
      throw error
    }
  }
}

function differences({ attributes }: WantedTopic, current: Attributes): [string, string][] {
  return Object.entries(attributes).filter(([name, value]) => current[name] !== value)
}

function creation({ topic }: WantedTopic): Change {
  const resource = addressOf(topic)
  if (topic.arn !== undefined) return { resource, kind: 'missing', text: `${topic.arn} does not exist; who owns its name makes it.` }
  return { resource, kind: 'create', text: `Create the ${topic.fifo ? 'FIFO' : 'standard'} topic ${topic.name}.`, permission: 'sns:CreateTopic' }
}

function update({ topic }: WantedTopic, name: string, value: string, current: Attributes): Change {
  const text = `Set ${name} of ${addressOf(topic)} to ${value}; it is ${current[name] ?? 'not set'}.`
  return { resource: addressOf(topic), kind: 'update', text, permission: 'sns:SetTopicAttributes' }
}

function subscribing({ label, topicArn, queueArn }: WantedSubscription): Change {
  return { resource: `subscription ${label}`, kind: 'create', text: `Subscribe ${queueArn} to ${topicArn}.`, permission: 'sns:Subscribe' }
}

/** Of a new subscription. */
function attributesOf({ attributes: { RawMessageDelivery, FilterPolicy, FilterPolicyScope }, undeliveredArn }: WantedSubscription): Record<string, string> {
  return {
    RawMessageDelivery,
    ...(FilterPolicy !== '' && { FilterPolicy, FilterPolicyScope }),
    ...(undeliveredArn !== undefined && { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: undeliveredArn }) }),
  }
}
