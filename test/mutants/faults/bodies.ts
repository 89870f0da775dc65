import type { Outgoing } from '@busbar/core/driver'
import { withIncoming } from '../alter.ts'
import { editArriving, editSent } from '../edits.ts'
import type { Mutant } from '../mutant.ts'

const encoder = new TextEncoder()

function withBody(message: Outgoing, body: string | Uint8Array): Outgoing {
  return { ...message, body, bodyBytes: typeof body === 'string' ? encoder.encode(body).length : body.length }
}

const text =
  (change: (body: string) => string): Mutant['alterations'] =>
  () =>
    editSent((message) => (typeof message.body === 'string' ? withBody(message, change(message.body)) : message))

function cut({ body }: Outgoing, bytes: number): string | Uint8Array {
  return typeof body === 'string' ? encoder.encode(body).subarray(0, bytes) : body.subarray(0, bytes)
}

export const bodyFaults: readonly Mutant[] = [
  { name: 'text-trimmed', fault: 'cuts white space off the ends of text bodies', killedBy: 'sending/text-body', alterations: text((body) => body.trim()) },
  {
    name: 'line-ends-changed',
    fault: 'changes line ends in text bodies',
    killedBy: 'sending/text-body',
    alterations: text((body) => body.replaceAll('\r\n', '\n')),
  },
  {
    name: 'text-normalised',
    fault: 'normalises the Unicode of text bodies',
    killedBy: 'sending/text-body',
    alterations: text((body) => body.normalize('NFC')),
  },
  {
    name: 'body-counted-in-characters',
    fault: 'tells the size of a text in characters',
    killedBy: 'sending/text-body',
    alterations: () =>
      editArriving((delivery) => {
        const { body } = delivery.incoming
        return typeof body === 'string' ? withIncoming(delivery, { bodyBytes: body.length }) : delivery
      }),
  },
  {
    name: 'bytes-through-utf8',
    fault: 'takes bytes for UTF-8 text',
    killedBy: 'sending/bytes-body',
    alterations: () => editSent((message) => (typeof message.body === 'string' ? message : withBody(message, new TextDecoder().decode(message.body)))),
  },
  {
    name: 'empty-body-dropped',
    fault: 'loses messages with an empty body',
    killedBy: 'sending/empty-body',
    alterations: () => editSent((message) => (message.bodyBytes === 0 ? undefined : message)),
  },
  {
    name: 'large-body-lost',
    fault: 'loses messages of more than 64 KiB',
    killedBy: 'sending/large-body',
    alterations: () => editSent((message) => (message.bodyBytes > 65_536 ? undefined : message)),
  },
  {
    name: 'large-body-truncated',
    fault: 'cuts bodies off at 64 KiB',
    killedBy: 'sending/large-body',
    alterations: () => editSent((message) => (message.bodyBytes > 65_536 ? withBody(message, cut(message, 65_536)) : message)),
  },
  {
    name: 'size-of-ignores-headers',
    fault: "does not count headers as part of a message's size",
    killedBy: 'sending/size-of',
    alterations: () => ({ sizeOf: (message, next) => next({ ...message, headers: {} }) }),
  },
  {
    name: 'size-of-counts-characters',
    fault: 'counts the size of a body in characters',
    killedBy: 'sending/size-of',
    alterations: () => ({
      sizeOf: (message, next) => (typeof message.body === 'string' ? next(message) - message.bodyBytes + message.body.length : next(message)),
    }),
  },
  {
    name: 'oversize-truncated',
    fault: 'cuts messages over the limit off and says that they are sent',
    killedBy: 'sending/too-large',
    profile: 'sqs-standard',
    alterations: () => ({
      ...editSent((message) => (message.bodyBytes > 200_000 ? withBody(message, cut(message, 200_000)) : message)),
      sizeOf: (message, next) => Math.min(next(message), 200_000),
    }),
  },
  {
    name: 'size-limit-overstated',
    fault: 'claims to take messages twice as large as it does',
    killedBy: 'sending/large-body',
    profile: 'sqs-standard',
    alterations: () => ({
      capabilities: (claimed) => ('refused' in claimed ? claimed : Object.freeze({ ...claimed, maxMessageBytes: claimed.maxMessageBytes * 2 })),
      inspect: async (next) => {
        const inspected = await next()
        return { ...inspected, maxMessageBytes: inspected.maxMessageBytes * 2 }
      },
    }),
  },
]
