import { isShared } from './names.ts'

const reasons: readonly unknown[] = ['rejected', 'expired', 'maxlen', 'delivery_limit']

/**
 * Address of what the broker has dead-lettered a message from: the newest entry of `x-death`, if it is complete as only the broker writes it. Senders of
 * ours cannot forge one; a plain client can, and gains no more than by naming another source in a dead letter of its own.
 */
export function deadLetteredFrom(headers: Readonly<Record<string, unknown>> | undefined, addressOf: (queue: string) => string): string | undefined {
  const deaths = headers?.['x-death']
  if (!Array.isArray(deaths)) return undefined
  const newest: unknown = deaths[0]
  // To the broker a delayed message is one that died of its age on the ladder.
  if (!isDeath(newest) || isShared(newest.queue)) return undefined
  return addressOf(newest.queue)
}

function isDeath(value: unknown): value is { readonly queue: string } {
  if (typeof value !== 'object' || value === null) return false
  const { queue, reason, count, exchange, time, 'routing-keys': keys } = value as Readonly<Record<string, unknown>>
  return (
    typeof queue === 'string' && reasons.includes(reason) && typeof count === 'number' && typeof exchange === 'string' && Array.isArray(keys) && isTime(time)
  )
}

function isTime(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (value as { readonly '!'?: unknown })['!'] === 'timestamp'
}
