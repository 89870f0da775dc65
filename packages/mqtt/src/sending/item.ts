import type { BrokerError, SendResult } from '@busbar/core/driver'
import { mqttError, reasons, refusedBy } from '../errors.ts'
import { limits } from '../limits.ts'
import type { Publication } from '../message/packet.ts'

/** `taken`: all is well. `refused`: not to be sent again. `retried`: whoever takes it is expected back. */
export type Unmatched = 'taken' | 'refused' | 'retried'

/** A message on its way. */
export interface Item {
  /** Written when its turn has come. Throws `BrokerError` for what MQTT does not carry. */
  write(): Publication
  /** Bytes of the packet without its fixed header, at least. */
  size(): number
  /** What is answered if the broker says that nobody takes it. */
  readonly unmatched: Unmatched
  /** For texts: `topic orders`. */
  readonly what: string
  readonly signal: AbortSignal
  settle(result: SendResult): void
}

export const ok: SendResult = Object.freeze({ ok: true })

/** Too large a packet ends the connection, and all that is out with it. */
export function checkSize(item: Item, maximumPacketBytes: number | undefined): void {
  if (maximumPacketBytes === undefined) return
  const bytes = item.size()
  if (bytes + limits.fixedHeaderBytes <= maximumPacketBytes) return
  throw mqttError('ERR_TOO_LARGE', `Sending to ${item.what}: the message takes ${bytes} bytes, and the broker takes packets of ${maximumPacketBytes}`)
}

export function resultOf({ what, unmatched }: Item, reasonCode: number): SendResult {
  if (reasonCode === 0) return ok
  const doing = `Sending to ${what}`
  if (reasonCode >= 0x80) return { ok: false, error: refusedBy(reasonCode, doing), stored: 'no' }
  if (reasonCode !== reasons.noMatchingSubscribers || unmatched === 'taken') return ok
  const retryable = unmatched === 'retried'
  return { ok: false, error: mqttError('ERR_UNROUTABLE', `${doing}: the broker has no subscription that takes the message`, { retryable }), stored: 'no' }
}

export function unconfirmed({ what }: Item, cause: Error): SendResult {
  return { ok: false, error: mqttError('ERR_UNCONFIRMED', `Sending to ${what}: ${cause.message}`, { cause }), stored: 'unknown' }
}

export function refuse(items: readonly Item[], error: BrokerError): void {
  for (const item of items) item.settle({ ok: false, error, stored: 'no' })
}
