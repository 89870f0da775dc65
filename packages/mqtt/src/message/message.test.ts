import { envelopeHead, type Outgoing } from '@busbar/core/driver'
import { generate, parser, type IPublishPacket } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { outgoing } from '../test-support/messages.ts'
import { encodePublish } from './encode.ts'
import { incomingOf } from './incoming.ts'
import { publicationOf, sizeOf, type Form } from './outgoing.ts'
import type { ReceivedPacket } from './packet.ts'

const form5: Form = { topic: 'tr/é', protocolVersion: 5, envelope: false, qos: 1, retain: false }
const form4: Form = { ...form5, protocolVersion: 4, envelope: true }

/** As it comes out of the bytes of a packet. */
function sent(message: Outgoing, form: Form): { readonly packet: ReceivedPacket; readonly bytes: number } {
  const bytes = Buffer.concat(encodePublish(publicationOf(message, form), 7, form.protocolVersion))
  let found: ReceivedPacket | undefined
  const reader = parser({ protocolVersion: form.protocolVersion })
  reader.on('packet', (parsed: unknown) => (found = parsed as ReceivedPacket))
  reader.parse(bytes)
  if (found === undefined) throw new Error('no packet')
  return { packet: found, bytes: bytes.length }
}

const whole = {
  body: '{"truckId":"truck-7"}',
  headers: { tenant: 'äcme', empty: '' },
  type: 'position',
  contentType: 'application/json',
  key: 'truck-7',
  attempt: 2,
  correlationId: 'c-1',
  replyTo: 'replies/1',
}

describe.each([
  ['MQTT 5', form5],
  ['MQTT 3.1.1 with an envelope', form4],
])('%s', (_, form) => {
  it('carries every field', () => {
    const { packet } = sent(outgoing(whole), form)
    const { headers, native: _native, body, ...rest } = incomingOf(packet, form.envelope)
    expect({ ...headers }).toEqual(whole.headers)
    expect(Buffer.from(body).toString()).toBe(whole.body)
    expect(rest).toEqual({
      id: 'm-1',
      bodyBytes: whole.body.length,
      type: 'position',
      contentType: 'application/json',
      timestamp: 1_767_225_600_123,
      key: 'truck-7',
      attempt: 2,
      correlationId: 'c-1',
      replyTo: 'replies/1',
      position: undefined,
    })
  })

  it('counts at least the bytes of the packet, and grows with the body byte by byte', () => {
    const limit = 5
    const all: readonly Partial<Outgoing>[] = [{}, whole, { headers: { ['é'.repeat(99)]: 'x'.repeat(3_000) }, key: '"'.repeat(128) }, { timeToLiveMs: 1 }]
    for (const parts of all) {
      const message = outgoing(parts)
      if (form.protocolVersion === 4 && parts.timeToLiveMs !== undefined) continue
      expect(sizeOf(message, form) + limit).toBeGreaterThanOrEqual(sent(message, form).bytes)
      expect(sizeOf(outgoing({ ...parts, body: `${message.body as string}x` }), form)).toBe(sizeOf(message, form) + 1)
    }
  })

  it('is encoded as the client library would', () => {
    const { protocolVersion } = form
    const many: readonly Partial<Outgoing>[] = [
      {},
      whole,
      { body: '' },
      { body: 'é'.repeat(70_000), headers: { ['é'.repeat(999)]: 'x'.repeat(60_000) } },
      { body: Buffer.alloc(20_000, 1) },
      { body: 'x'.repeat(16_384) },
      ...[110, 120, 127, 16_383 - 100, 2_097_152].map((length) => ({ body: 'x'.repeat(length) })),
      ...(protocolVersion === 5 ? [{ timeToLiveMs: 4_294_967_295_000 }] : []),
    ]
    for (const parts of many) {
      for (const qos of [0, 1, 2] as const) {
        for (const retain of [false, true]) {
          const { topic, payload, properties } = publicationOf(outgoing(parts), form)
          const packet: IPublishPacket = { cmd: 'publish', topic, payload, qos, retain, dup: false, ...(qos > 0 ? { messageId: 513 } : {}) }
          if (properties !== undefined) packet.properties = { ...properties, userProperties: Object.fromEntries(properties.userProperties) }
          const encoded = Buffer.concat(encodePublish({ topic, payload, properties, qos, retain }, 513, protocolVersion))
          const sorted = (bytes: Buffer): Buffer => Buffer.from(Uint8Array.from(bytes).sort())
          const wanted = generate(packet, { protocolVersion })
          // The library writes properties in another order.
          if (protocolVersion === 5) expect(sorted(encoded).equals(sorted(wanted))).toBe(true)
          else expect(encoded.equals(wanted)).toBe(true)
        }
      }
    }
  })

  it('keeps bytes as they are, and an empty body', () => {
    for (const body of [Uint8Array.of(0xff, 0x42, 0x55, 0x53, 1, 0), new Uint8Array(0)]) {
      const { packet } = sent(outgoing({ body }), form)
      expect(Buffer.from(incomingOf(packet, form.envelope).body)).toEqual(Buffer.from(body))
    }
  })
})

describe('MQTT 5', () => {
  it('writes what the page on the wire format shows', () => {
    const { properties } = publicationOf(outgoing({ ...whole, type: undefined, attempt: 0, headers: { tenant: 'acme' }, timeToLiveMs: 1_500 }), form5)
    expect(properties).toEqual({
      userProperties: [
        ['tenant', 'acme'],
        ['busbar', '{"v":1,"i":"m-1","k":"truck-7","s":1767225600123}'],
      ],
      contentType: 'application/json',
      responseTopic: 'replies/1',
      correlationData: Buffer.from('c-1'),
      messageExpiryInterval: 2,
    })
  })

  it('packs headers once, also beside one of that name that came from elsewhere', () => {
    const { packet } = sent(outgoing({ headers: { 'busbar-headers': '{"a":"b"}', odd: 'two\nlines' } }), form5)
    expect({ ...incomingOf(packet, false).headers }).toEqual({ odd: 'two\nlines' })
  })

  it('puts a reply address that is no topic into metadata', () => {
    const { packet } = sent(outgoing({ replyTo: 'all/#' }), form5)
    expect(packet.properties?.responseTopic).toBeUndefined()
    expect(incomingOf(packet, false).replyTo).toBe('all/#')
  })

  it('takes the first of nothing that is repeated: values of one name are put together, and repeated metadata is none', () => {
    const packet = { ...sent(outgoing(), form5).packet, properties: { userProperties: { a: ['1', '2'], busbar: ['{"v":1,"i":"x"}', '{"v":1,"i":"y"}'] } } }
    expect({ ...incomingOf(packet, false).headers }).toEqual({ a: '1, 2' })
    expect(incomingOf(packet, false).id).toBeUndefined()
  })

  it('flags what the broker had kept', () => {
    const { packet } = sent(outgoing(), { ...form5, retain: true })
    expect({ ...incomingOf(packet, false).headers }).toEqual({ 'mqtt-retained': 'true' })
  })

  it('carries what brokers end the connection for in JSON, where it is none of that', () => {
    const odd = ['two\nlines', 'a\0b', '\u007f', '\u009f', '\ufdd0', '\uffff', '\u{1fffe}', '\ud83d']
    const headers = { ...Object.fromEntries(odd.map((text, index) => [`h${index}`, text])), ['name\t']: 'x', plain: 'é' }
    const whole = { headers, key: '\u0085', type: '\ufffe', contentType: 'a\u007f', replyTo: 'r\u0001', correlationId: '\u0001' }
    const message = outgoing(whole)
    const { packet, bytes } = sent(message, form5)
    const { userProperties, contentType, responseTopic, correlationData } = packet.properties ?? {}
    expect([Object.keys(userProperties ?? {}).toSorted(), contentType, responseTopic, correlationData?.toString()]).toEqual([
      ['busbar', 'busbar-headers', 'plain'],
      undefined,
      undefined,
      '\u0001',
    ])
    for (const value of Object.values(userProperties ?? {})) expect(value).toMatch(/^[ -~é]*$/)
    const incoming = incomingOf(packet, false)
    expect({ ...incoming, headers: { ...incoming.headers } }).toMatchObject(whole)
    expect(sizeOf(message, form5) + 5).toBeGreaterThanOrEqual(bytes)
  })

  it.each(['[1]', 'nonsense', '{"busbar":"x","busbar-headers":"y","n":1,"cc":"z"}'])('takes packed headers that make no sense for none: %s', (text) => {
    const packet = { ...sent(outgoing(), form5).packet, properties: { userProperties: { 'busbar-headers': text } } }
    expect({ ...incomingOf(packet, false).headers }).toEqual({})
  })

  it.each([{ headers: { h: 'é'.repeat(32_768) } }, { headers: { h: '\n'.repeat(40_000) } }])('refuses what is too long for a text of MQTT', ({ headers }) => {
    expect(() => publicationOf(outgoing({ headers }), form5)).toThrow(/names and values of headers/)
  })
})

describe('MQTT 3.1.1', () => {
  it.each([{ headers: { a: 'b' } }, { type: 't' }, { replyTo: 'r' }, { attempt: 1 }])('without an envelope refuses %j', (parts) => {
    expect(() => publicationOf(outgoing(parts), { ...form4, envelope: false })).toThrow(/without envelope: true/)
  })

  it('without an envelope sends the body alone, and opens none', () => {
    const looksLikeOne = Buffer.concat([envelopeHead(outgoing({ headers: { admin: 'true' } })), Buffer.from('inner')])
    const { packet } = sent(outgoing({ body: looksLikeOne }), { ...form4, envelope: false })
    const { body, headers, id } = incomingOf(packet, false)
    expect([Buffer.from(body), { ...headers }, id]).toEqual([looksLikeOne, {}, undefined])
  })

  it('writes what the page on the wire format shows', () => {
    const message = outgoing({ body: whole.body, contentType: 'application/json', headers: { tenant: 'acme' }, key: 'truck-7' })
    const text = String.raw`{"busbar":"{\"v\":1,\"i\":\"m-1\",\"c\":\"application/json\",\"k\":\"truck-7\",\"s\":1767225600123}","tenant":"acme"}`
    expect(publicationOf(message, form4).payload).toEqual(Buffer.concat([Buffer.from('ff4255530100000075', 'hex'), Buffer.from(text), Buffer.from(whole.body)]))
  })
})
