import type { Endpoint } from '@busbar/core/driver'
import { physicalName } from '@busbar/sqs/shared'
import { limits } from './limits.ts'

/** A topic by its physical name. */
export interface TopicName {
  readonly name: string
  /** Where the route names the topic by its ARN. */
  readonly arn: string | undefined
  readonly region: string | undefined
  readonly fifo: boolean
}

/** What stands in an ARN of a topic. */
interface ArnParts {
  readonly region: string
  readonly name: string
}

/** The topic that an endpoint's name stands for: a name or an ARN. `fifo`: what the route asks for. */
export function topicOf(name: string, fifo: boolean): TopicName {
  const arn = partsOf(name)
  const own = arn?.name ?? name
  const isFifo = fifo || own.endsWith('.fifo')
  // The name in an ARN is what there is.
  return { name: arn === undefined ? physicalName(own, isFifo) : own, arn: arn === undefined ? undefined : name, region: arn?.region, fifo: isFifo }
}

/** Does the name say that the topic is a FIFO topic? */
export function saysFifo(name: string): boolean {
  return (partsOf(name)?.name ?? name).endsWith('.fifo')
}

/** Name of a queue that belongs to a subscription, before SQS's rules for names; `order-placed.billing`. */
export function subscriptionName(topic: TopicName, subscription: string): string {
  return `${topic.name.replace(/\.fifo$/, '')}.${subscription}`
}

/** For texts, and to tell whether two endpoints are one topic. */
export function addressOf({ name, arn }: TopicName): string {
  return `topic ${arn ?? name}`
}

/** Why a name is illegal; `undefined` if all is well. */
export function nameProblem(endpoint: Endpoint, topic: TopicName, region: string | undefined): string | undefined {
  const { name } = topic
  if (name.length > limits.nameLength || !/^[A-Za-z0-9_-]+(\.fifo)?$/.test(name))
    return `the name ${name.slice(0, 100)} is not 1 to ${limits.nameLength} letters, digits, hyphens and underscores`
  if (topic.arn !== undefined && topic.fifo !== name.endsWith('.fifo'))
    return `${name.slice(0, 100)} is the name of a standard topic, and a FIFO topic is asked for`
  if (region !== undefined && topic.region !== undefined && topic.region !== region)
    return `${endpoint.name.slice(0, 300)} is in the region ${topic.region}, and the driver works in ${region}`
  return undefined
}

function partsOf(name: string): ArnParts | undefined {
  const match = /^arn:[a-z0-9-]+:sns:([a-z0-9-]+):\d{12}:(.*)$/s.exec(name)
  return match === null ? undefined : { region: match[1] ?? '', name: match[2] ?? '' }
}
