import type { Endpoint } from '@busbar/core/driver'
import { limits } from './limits.ts'

const fifoSuffix = '.fifo'

/** Begins the names of reply queues. One that a crashed process has left behind is found by it; its messages are gone after their retention. */
export const replyPrefix = 'busbar-reply-'

/** A queue by its physical name. */
export interface QueueName {
  readonly name: string
  /** Twelve digits, where the route names a queue by URL or ARN: it may be another account's. */
  readonly account: string | undefined
  /** As a URL or an ARN says. */
  readonly region: string | undefined
  readonly fifo: boolean
}

/** The queue that an endpoint's name stands for: a name, a queue URL or an ARN. `fifo`: what the route asks for. */
export function queueOf(name: string, fifo: boolean): QueueName {
  const { own, account, region } = parts(name)
  const isFifo = fifo || own.endsWith(fifoSuffix)
  return { name: physicalName(own, isFifo), account, region, fifo: isFifo }
}

/** As queues and topics are named: dots are illegal there (`orders.dead`), so they become hyphens. */
export function physicalName(name: string, fifo: boolean): string {
  return fifo ? `${plainName(name.endsWith(fifoSuffix) ? name.slice(0, -fifoSuffix.length) : name)}${fifoSuffix}` : plainName(name)
}

/** Is the queue of this endpoint to be a FIFO queue? By its route, for ordering keys, by its name, or because it takes what a FIFO queue gives up, which SQS allows to no other. */
export function wantsFifo({ name, keyed, options: { fifo }, deadLettersOf }: Endpoint): boolean {
  if (typeof fifo === 'boolean') return fifo
  return keyed || saysFifo(name) || (deadLettersOf !== undefined && wantsFifo(deadLettersOf))
}

/** Does the name say that the queue is a FIFO queue? */
export function saysFifo(name: string): boolean {
  return parts(name).own.endsWith(fifoSuffix)
}

/** For texts, and to tell whether two endpoints are one queue. */
export function addressOf({ name, account, region }: QueueName): string {
  return account === undefined ? `queue ${name}` : `queue ${[region, account, name].filter((part) => part !== undefined).join(':')}`
}

/** Why a name is illegal; `undefined` if all is well. */
export function nameProblem(endpoint: Endpoint, queue: QueueName, region: string | undefined): string | undefined {
  if (queue.name.length > limits.nameLength || !/^[A-Za-z0-9_-]+(\.fifo)?$/.test(queue.name))
    return `the name ${queue.name.slice(0, 100)} is not 1 to ${limits.nameLength} letters, digits, hyphens and underscores`
  if (queue.name.startsWith(replyPrefix)) return `names that begin with ${replyPrefix} belong to reply queues`
  if (region !== undefined && queue.region !== undefined && queue.region !== region)
    return `${endpoint.name.slice(0, 200)} is in the region ${queue.region}, and the driver works in ${region}`
  return undefined
}

function plainName(name: string): string {
  return name.replaceAll('.', '-')
}

function parts(name: string): { readonly own: string; readonly account?: string; readonly region?: string } {
  const arn = /^arn:[a-z0-9-]+:sqs:([a-z0-9-]+):(\d{12}):(.*)$/s.exec(name)
  if (arn !== null) return { region: arn[1] ?? '', account: arn[2] ?? '', own: arn[3] ?? '' }
  const url = /^https?:\/\/([^/]+)\/(\d{12})\/(.*)$/s.exec(name)
  if (url === null) return { own: name }
  const region = /^sqs\.([a-z0-9-]+)\./.exec(url[1] ?? '')?.[1]
  return { ...(region !== undefined && { region }), account: url[2] ?? '', own: url[3] ?? '' }
}

/** Last part of an ARN. */
export function nameInArn(arn: string): string {
  return arn.slice(arn.lastIndexOf(':') + 1)
}
