import { AddressTemplate, openEnvelope, envelopeHead, unpackMetadata, type Headers, type Outgoing } from '@busbar/core/driver'
import { unpackDeadLetter } from '@busbar/core/decoders'
import { body, expected, first, isCount, metadata, optionalText, texts } from '../checks.ts'
import { bytesLike, jsonLike, textLike } from '../inputs.ts'
import { target } from '../target.ts'
import type { Draw } from '../draw.ts'

const fields = { v: 1, i: 'm-1', t: 'placed', c: 'application/json', s: 1_767_225_600_000, k: 'truck-7', a: 2, d: 3, r: 'c-1', to: 'replies/1' }
const death = {
  v: 1,
  r: 'attempts exhausted',
  n: 'TypeError',
  m: 'no such depot',
  a: 5,
  s: 'orders',
  p: { truckId: '42' },
  f: 1_767_225_600_000,
  l: 1_767_225_601_500,
}

/** Samples of the headers that drivers find in messages. */
export const packedMetadata = jsonLike([fields, { v: 1, i: 'm-1' }])
export const packedDeath = jsonLike([death])
export const packedHeaders = jsonLike([
  { tenant: 'acme', 'busbar-dead': JSON.stringify(death) },
  { traceparent: '00-0-0-01', cc: 'x', busbar: '{}' },
])

const positions = new AddressTemplate('trucks/{truckId}/position/{sensor}')
const addressLike = textLike(['trucks/42/position/a', 'trucks//position/+', 'trucks/__proto__/position/constructor'])

/** What every driver packs besides native fields, and what a topic's name says. */
export const headerTargets = [
  target({ name: 'metadata', generate: packedMetadata, decode: unpackMetadata, problem: (value) => metadata(value) }),
  target({
    name: 'dead-letter-header',
    generate: (draw) => (draw.chance(0.01) ? undefined : packedDeath(draw)),
    decode: unpackDeadLetter,
    problem: (info) =>
      info &&
      first(
        expected(typeof info.reason === 'string' && typeof info.source === 'string', 'reason or source is no text', info),
        optionalText('errorName', info.errorName),
        optionalText('errorMessage', info.errorMessage),
        expected(isCount(info.attempts), 'attempts is no whole number from 0', info.attempts),
        info.parameters && texts('parameters', info.parameters),
        expected(Number.isFinite(info.firstFailureAt) && Number.isFinite(info.lastFailureAt), 'a time is not finite', info),
      ),
  }),
  target({
    name: 'address',
    generate: addressLike,
    decode: (address) => positions.match(address),
    problem: (parameters) =>
      parameters && first(texts('parameters', parameters), expected(Object.keys(parameters).join() === 'truckId,sensor', 'its names are', parameters)),
  }),
  target({
    name: 'envelope',
    generate: (draw) => envelope(draw),
    decode: openEnvelope,
    problem: (opened) =>
      opened &&
      first(
        texts('header', opened.headers),
        metadata(opened.metadata),
        body(opened.body, opened.body.length),
        expected(!('busbar' in opened.headers), 'it hands on', 'busbar'),
      ),
  }),
]

const enveloped: readonly Uint8Array[] = [outgoing({ tenant: 'acme' }), outgoing({})].map((message) =>
  Buffer.concat([envelopeHead(message), Buffer.from('{"total":1}')]),
)
const changedEnvelope = bytesLike(enveloped)
const innerHeaders = jsonLike([
  { busbar: JSON.stringify(fields), tenant: 'acme' },
  { tenant: 'acme', cc: 'x', 'x-death': 'y' },
])

/** Bytes of an envelope: changed anywhere, or well framed around changed headers. */
export function envelope(draw: Draw): Buffer {
  if (draw.chance(0.5)) return changedEnvelope(draw)
  const inner = Buffer.from(innerHeaders(draw))
  const head = Buffer.from(draw.pick(enveloped).subarray(0, 9))
  head.writeUInt32BE(inner.length, 5)
  return Buffer.concat([head, inner, Buffer.from('{"total":1}')])
}

function outgoing(headers: Readonly<Record<string, string>>): Outgoing {
  return {
    id: 'm-1',
    body: '',
    bodyBytes: 0,
    headers: Object.assign(Object.create(null) as Headers, headers),
    type: 'placed',
    contentType: 'application/json',
    timestamp: 1_767_225_600_000,
    key: 'truck-7',
    attempt: 1,
    deduplicationId: undefined,
    delayMs: undefined,
    timeToLiveMs: undefined,
    priority: undefined,
    correlationId: 'c-1',
    replyTo: 'replies/1',
  }
}
