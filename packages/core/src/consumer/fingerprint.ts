import type { Incoming } from '../driver/receiver.ts'

/**
 * Tells a redelivery from another message with the same id: where a broker gives no ids of its own, `sameAs` is what the sender chose, and senders repeat themselves.
 * Taking one message for the other would lose it.
 */
export function fingerprint({ timestamp, bodyBytes, body, parameters }: Incoming): string {
  let hash = 0x811c9dc5
  // FNV-1a.
  for (let i = 0; i < body.length; i++) hash = Math.imul(hash ^ (typeof body === 'string' ? body.charCodeAt(i) : (body[i] as number)), 0x01000193)
  return `${timestamp}/${bodyBytes}/${hash}${parameters ? JSON.stringify(parameters) : ''}`
}
