import type { Body, Headers, Incoming, Outgoing } from '@busbar/core/driver'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const chunk = new Uint8Array(1_048_576)

/** The parts of an outgoing message that a case cares about. */
export type MessageParts = { readonly body: Body } & Partial<Omit<Outgoing, 'body' | 'bodyBytes'>>

/** A complete outgoing message. `id` defaults to a unique one. */
export function outgoing(parts: MessageParts, id: string, now: number): Outgoing {
  return {
    id,
    bodyBytes: byteLength(parts.body),
    headers: headersOf({}),
    type: undefined,
    contentType: 'text/plain',
    timestamp: now,
    key: undefined,
    attempt: 0,
    deduplicationId: undefined,
    delayMs: undefined,
    timeToLiveMs: undefined,
    priority: undefined,
    correlationId: undefined,
    replyTo: undefined,
    ...parts,
  }
}

export function headersOf(entries: Readonly<Record<string, string>>): Headers {
  return Object.assign(Object.create(null), entries) as Headers
}

export function byteLength(body: Body): number {
  if (typeof body !== 'string') return body.length
  if (body.length < chunk.length) return encoder.encode(body).length
  // A copy of a text of the largest size would double what the case takes.
  let bytes = 0
  for (let at = 0; at < body.length;) {
    const { read, written } = encoder.encodeInto(body.slice(at, at + chunk.length + 1), chunk)
    at += read
    bytes += written
  }
  return bytes
}

export function bytesOf(body: Body): Uint8Array {
  return typeof body === 'string' ? encoder.encode(body) : body
}

export function textOf(incoming: Incoming): string {
  return typeof incoming.body === 'string' ? incoming.body : decoder.decode(incoming.body)
}

/** `['p-1', 'p-2', …]` */
export function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`)
}
