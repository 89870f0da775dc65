import type { Difference } from './differences.ts'
import { noDeliveryLimit, type QueueResource } from './resources.ts'

/** Arguments and properties of a queue that exists. */
export type QueueArguments = Readonly<Record<string, Difference['current']>>

const remake = 'drain and delete it and provision again'

/** Why a queue that exists will not do for what it is needed for, each with the remedy; none if it will. `major`: of the broker's version. */
export function objectionsTo(queue: QueueResource, current: QueueArguments, major: number): readonly string[] {
  const type = objectionToType(queue, current)
  if (type !== undefined) return [type]
  const objections = [
    ...(['durable', 'exclusive', 'auto_delete'] as const).map((property) =>
      current[property] === undefined
        ? undefined
        : `it is not a durable, shared queue (${property} is ${String(current[property])}); delete it and provision again`,
    ),
    objectionToSingleConsumer(queue, current),
    ...objectionsToDeadLetters(queue, current),
    isQuorum(current) ? objectionToLimit(queue, current, major) : undefined,
    ...objectionsToLoss(queue, current),
  ]
  return objections.filter((objection) => objection !== undefined)
}

function isQuorum(current: QueueArguments): boolean {
  return current['x-queue-type'] === 'quorum'
}

function objectionToType({ arguments: wanted, anyType = false }: QueueResource, current: QueueArguments): string | undefined {
  const type = current['x-queue-type'] ?? 'classic'
  if (type === wanted['x-queue-type'] || (anyType && (type === 'classic' || type === 'quorum'))) return undefined
  const other = anyType ? 'drain and delete the queue' : "set the route's queueType, or drain and delete the queue"
  return `it is a ${String(type)} queue and ${String(wanted['x-queue-type'])} is needed; ${other} and provision again`
}

function objectionToSingleConsumer({ arguments: wanted }: QueueResource, current: QueueArguments): string | undefined {
  const argument = 'x-single-active-consumer'
  if ((current[argument] === true) === (wanted[argument] === true)) return undefined
  return current[argument] === true
    ? `it has a single active consumer, which processes without ordering keys would wait for; ${remake}`
    : `it has no single active consumer, so the order of keys would break; ${remake}`
}

function objectionsToDeadLetters({ arguments: wanted }: QueueResource, current: QueueArguments): (string | undefined)[] {
  const needed = ['x-dead-letter-exchange', 'x-dead-letter-routing-key'].filter((argument) => wanted[argument] !== undefined)
  const missing = needed.filter((argument) => current[argument] === undefined)
  // A place of another name will do.
  const none = missing.map((argument) => `it has no ${argument}, so what exceeds the delivery limit would be dropped; ${remake}`)
  const strategy = 'x-dead-letter-strategy'
  if (wanted[strategy] === undefined || missing.length > 0) return none
  const weak = [strategy, 'x-overflow'].filter((argument) => current[argument] !== wanted[argument])
  if (weak.length === 0) return none
  const has = weak.map((argument) => `${argument} ${String(wanted[argument])}`).join(' and ')
  return [...none, `it is without ${has}, so messages on their way to the dead letters are lost when the broker fails; ${remake}`]
}

function objectionToLimit(
  { arguments: wanted, keepsAll = false, minDeliveryLimit }: QueueResource,
  current: QueueArguments,
  major: number,
): string | undefined {
  const argument = 'x-delivery-limit'
  if (wanted[argument] === undefined) return undefined
  const limit = current[argument]
  const enough = typeof limit === 'number' && limit >= minDeliveryLimit
  const found = limit === undefined ? `it has no ${argument}, which RabbitMQ 4 takes for 20` : `its ${argument} is ${String(limit)}`
  if (wanted[argument] !== noDeliveryLimit) {
    if (enough) return undefined
    return `${found}, and at least ${minDeliveryLimit} (10 times the attempts of the retry policy) is needed; lower maxAttempts, or drain and delete the queue and provision again`
  }
  if (isNone(limit, major)) return undefined
  if (keepsAll) return `${found}, and the route says nativeLimit: false or deadLetter: 'block'; leave that out of the route, or ${remake}`
  if (current['x-dead-letter-exchange'] !== undefined) return undefined
  return `${found}, and with no x-dead-letter-exchange what is looked at or given back more often is dropped; ${remake}, or make it with x-delivery-limit ${noDeliveryLimit}`
}

/** 0 and below drop a message at its first return before RabbitMQ 4; there, below 0 means none, and nothing means 20. */
function isNone(limit: Difference['current'], major: number): boolean {
  if (limit === undefined) return major < 4
  return typeof limit === 'number' && (limit >= noDeliveryLimit || (limit < 0 && major >= 4))
}

/** What makes a queue drop messages that it has confirmed. */
function objectionsToLoss({ arguments: wanted }: QueueResource, current: QueueArguments): (string | undefined)[] {
  const overflow = String(current['x-overflow'] ?? 'drop-head')
  const dropsHead = !overflow.startsWith('reject-publish')
  return [
    ...['x-max-length', 'x-max-length-bytes'].map((argument) =>
      current[argument] !== undefined && current[argument] !== wanted[argument] && dropsHead
        ? `its ${argument} is ${String(current[argument])} with x-overflow ${overflow}, so the oldest messages are dropped when it is full; ${remake}, or make it with x-overflow reject-publish`
        : undefined,
    ),
    current['x-message-ttl'] === wanted['x-message-ttl']
      ? undefined
      : `its x-message-ttl is ${String(current['x-message-ttl'])}, so messages leave it before they are handled, or at another time than they should; ${remake}`,
    current['x-expires'] === wanted['x-expires']
      ? undefined
      : `its x-expires is ${String(current['x-expires'])}, so the broker deletes it with all messages when nobody consumes it for so long; ${remake}`,
  ]
}
