import { copiedOptions, copyOptions, deliveredMessage, deliveryCount, incomingOf } from '@busbar/amqp/decoders'
import type { Outgoing } from '@busbar/core/driver'
import type { ConsumeMessage } from 'amqplib'
import { expected, first, incoming as incomingProblem, isCount } from '../checks.ts'
import type { Draw } from '../draw.ts'
import { optional } from '../inputs.ts'
import { mutatedBytes } from '../mutate/bytes.ts'
import { target } from '../target.ts'
import { shortBytes, tableBytes, tableIn, textBytes, valueBytes, written } from './amqp-codec.ts'
import { packedDeath, packedMetadata } from './headers.ts'

const names = ['tenant', 'busbar', 'busbar-dead', 'x-death', 'x-delivery-count', 'CC', 'traceparent', 'content-encoding', '__proto__']
const property = ['m-1', 'placed', 'application/json', 'gzip']
/** Of a table that the client library can write again, whatever becomes longer on the way. */
const mostTableBytes = 16_384

/** Messages of any client, as the client library reads them from bytes. What is sent again of them must be such that it can write it. */
export const amqpTargets = [
  target({
    name: 'amqp-message',
    generate: message,
    decode: (native) => {
      const incoming = incomingOf(native, undefined, (queue) => `queue ${queue}`)
      const deliveries = deliveryCount(native)
      return {
        incoming,
        deliveries,
        copies: [copyOptions(native, 3, 7), copiedOptions(copyOf({ ...incoming, native }), true, deliveredMessage(native) ?? native)],
      }
    },
    problem: ({ incoming, deliveries, copies }) =>
      first(incomingProblem(incoming), expected(isCount(deliveries) && deliveries > 0, 'the count of deliveries is', deliveries), ...copies.map(unwritable)),
  }),
]

function unwritable(properties: object): string | undefined {
  try {
    written(properties)
    return undefined
  } catch (error) {
    return `a copy cannot be sent: ${String(error)}`
  }
}

/** As a dead letter. */
function copyOf(incoming: ReturnType<typeof incomingOf>): Outgoing {
  const { id = 'made-up', timestamp = 0, ...others } = incoming
  return { ...others, id, timestamp, deduplicationId: undefined, delayMs: undefined, timeToLiveMs: undefined, priority: undefined, copyOf: incoming.native }
}

function message(draw: Draw): ConsumeMessage {
  const text = (): string => (draw.chance(0.5) ? draw.pick(property) : shortBytes(draw, 255).toString())
  const properties = {
    messageId: optional(draw, text),
    type: optional(draw, text),
    contentType: optional(draw, text),
    contentEncoding: optional(draw, text),
    correlationId: optional(draw, text),
    replyTo: optional(draw, text),
    appId: optional(draw, text),
    expiration: optional(draw, text, 0.2),
    timestamp: optional(draw, () => draw.pick([0, 1, 1_767_225_600, 1_767_225_600_000, 2 ** 53, 2 ** 64])),
    priority: optional(draw, () => draw.below(256)),
    headers: optional(draw, headers, 0.95),
  }
  const fields = { deliveryTag: 1, redelivered: draw.chance(0.5), exchange: '', routingKey: 'orders', consumerTag: 'c' }
  return { content: draw.bytes(draw.below(16)), fields, properties } as unknown as ConsumeMessage
}

function headers(draw: Draw): object {
  const bytes = tableBytes(draw, names, named)
  const changed = draw.chance(0.3) ? mutatedBytes(draw, bytes) : bytes
  return (changed.length > mostTableBytes ? undefined : tableIn(changed)) ?? {}
}

function named(draw: Draw, name: string): Buffer | undefined {
  if (draw.chance(0.15)) return undefined
  if (name === 'busbar') return textBytes(Buffer.from(packedMetadata(draw)).subarray(0, 8_000))
  if (name === 'busbar-dead') return textBytes(Buffer.from(packedDeath(draw)).subarray(0, 8_000))
  return name === 'x-death' ? deaths(draw) : undefined
}

function deaths(draw: Draw): Buffer {
  const fields: [string, Buffer][] = [
    ['queue', textBytes(Buffer.from('orders'))],
    ['reason', textBytes(Buffer.from('rejected'))],
    ['count', Buffer.from([0x6c, 0, 0, 0, 0, 0, 0, 0, 1])],
    ['exchange', textBytes(Buffer.alloc(0))],
    ['routing-keys', Buffer.from([0x41, 0, 0, 0, 0])],
    ['time', Buffer.from([0x54, 0, 0, 0, 0, 0x69, 0x55, 0, 0])],
  ]
  const table = Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(name.length), Buffer.from(name), draw.chance(0.1) ? valueBytes(draw, 1) : value]))
  const length = (bytes: Buffer): Buffer => Buffer.from([0, 0, bytes.length >> 8, bytes.length & 255])
  const one = Buffer.concat([Buffer.from('F'), length(table), table])
  return Buffer.concat([Buffer.from('A'), length(one), one])
}
