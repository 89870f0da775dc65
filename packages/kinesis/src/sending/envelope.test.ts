import { envelopeHead } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import { deaggregate } from '../aggregation/deaggregate.ts'
import { endpoint, outgoing } from '../test-support/fake-kinesis.ts'
import { resolveRouteOptions } from '../route-options.ts'
import { HashKeys } from '../shards/hash-key.ts'
import { dataOf, prepareRecord } from './record.ts'

const sealed = (parts: Parameters<typeof outgoing>[0]): Uint8Array => Buffer.concat([envelopeHead(outgoing(parts)), Buffer.from(parts?.body ?? 'hello')])

/** Magic bytes, version, headers, body. */
function raw(version: number, headers: string, body: string, length: number = Buffer.byteLength(headers)): Uint8Array {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(length)
  return Buffer.concat([Buffer.from('ff425553', 'hex'), Buffer.of(version), size, Buffer.from(headers), Buffer.from(body)])
}

it('writes what the page on the wire format shows', () => {
  const message = outgoing({ body: '{"truckId":"truck-7"}', contentType: 'application/json', headers: { tenant: 'acme' }, key: 'truck-7' })
  const metadata = String.raw`"{\"v\":1,\"i\":\"m-1\",\"c\":\"application/json\",\"k\":\"truck-7\",\"s\":1767225600123}"`
  expect(Buffer.from(dataOf(prepareRecord(message, resolveRouteOptions(endpoint({ options: { envelope: true } })), new HashKeys())))).toEqual(
    raw(1, `{"busbar":${metadata},"tenant":"acme"}`, '{"truckId":"truck-7"}'),
  )
})

it('counts its bytes in the size of the message', () => {
  const route = (envelope: boolean): ReturnType<typeof resolveRouteOptions> => resolveRouteOptions(endpoint({ options: { envelope } }))
  const message = outgoing({ key: 'é', headers: { tenant: 'äcme' }, body: 'häß' })
  for (const envelope of [true, false]) {
    const record = prepareRecord(message, route(envelope), new HashKeys())
    expect(record.bytes).toBe(dataOf(record).length + 2)
  }
})

it('is no aggregated record', () => {
  expect(deaggregate(sealed({}))).toEqual({ form: 'plain' })
})
