import { replyTextOf } from './errors.ts'
import type { QueueResource } from './resources.ts'

/** One argument that the broker has otherwise, as told by a refused declaration. */
export interface Difference {
  readonly argument: string
  /** `undefined`: it has none. */
  readonly current: string | number | boolean | undefined
}

/** Reads `inequivalent arg 'x-delivery-limit' for queue …: received '100' but current is '50'`. */
export function differenceIn(error: unknown): Difference | undefined {
  const found = /inequivalent arg '([^']+)' for .*? received .* but current is (?:none|(?:the value )?'(.*?)'(?: of type '(\w+)')?)$/s.exec(replyTextOf(error))
  const argument = found?.[1]
  return argument === undefined ? undefined : { argument, current: valueOf(argument, found?.[2], found?.[3]) }
}

const numeric = /^x-(delivery-limit|message-ttl|expires|max-.*|quorum-.*)$/
const yesOrNo = /^(x-single-active-consumer|durable|exclusive|auto_delete)$/

function valueOf(argument: string, text: string | undefined, type: string | undefined): Difference['current'] {
  if (text === undefined) return undefined
  if (numeric.test(argument) || /int|byte|short|long$/.test(type ?? '')) return /^-?\d+$/.test(text) ? Number(text) : text
  if (yesOrNo.test(argument) || type === 'bool') return text === 'true'
  return text
}

/** Why a difference cannot be lived with, and the remedy; `undefined` if it can. */
export function objection(queue: QueueResource, { argument, current }: Difference): string | undefined {
  switch (argument) {
    case 'x-delivery-limit':
      return objectionToLimit(queue, current)
    case 'x-queue-type':
      if (queue.anyType === true) return undefined
      return `it is a ${String(current)} queue and ${String(queue.arguments[argument])} is needed; set the route's queueType, or drain and delete the queue and provision again`
    case 'x-single-active-consumer':
      return current === true
        ? 'it has a single active consumer, which processes without ordering keys would wait for; drain and delete it and provision again'
        : 'it has no single active consumer, so the order of keys would break; drain and delete it and provision again'
    case 'x-dead-letter-exchange':
    case 'x-dead-letter-routing-key':
      return current === undefined && queue.arguments[argument] !== undefined
        ? `it has no ${argument}, so what exceeds the delivery limit would be dropped; drain and delete it and provision again`
        : undefined
    case 'durable':
    case 'exclusive':
    case 'auto_delete':
      return `it is not a durable, shared queue (${argument} is ${String(current)}); delete it and provision again`
    default:
      return undefined
  }
}

function objectionToLimit({ minDeliveryLimit }: QueueResource, current: Difference['current']): string | undefined {
  if (typeof current === 'number' && current >= minDeliveryLimit) return undefined
  const found = current === undefined ? 'it has no x-delivery-limit, which RabbitMQ 4 takes for 20' : `its x-delivery-limit is ${String(current)}`
  return `${found}, and at least ${minDeliveryLimit} (10 times the attempts of the retry policy) is needed; lower maxAttempts, or drain and delete the queue and provision again`
}
