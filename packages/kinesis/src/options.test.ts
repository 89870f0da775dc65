import { expect, it } from 'vitest'
import { kinesis } from './kinesis-driver.ts'
import { optionsFromUrl, resolveOptions, type KinesisOptions } from './options.ts'
import { resolveRouteOptions } from './route-options.ts'
import { endpoint, FakeKinesis } from './test-support/fake-kinesis.ts'

it('has the defaults that it says', () => {
  expect(resolveOptions({})).toEqual({
    region: undefined,
    endpoint: undefined,
    allowPlaintext: false,
    credentials: undefined,
    client: undefined,
    timeoutMs: 10_000,
    maxRequestBytes: 5_242_880,
    shardShare: 1,
    store: undefined,
    times: { leaseMs: 10_000, checkpointMs: 2_000, lookMs: 2_000, listMs: 60_000, handOverMs: 30_000 },
    pace: { share: 0.5, idleMs: 1_000, pageBytes: 1_048_576 },
  })
  expect(resolveOptions({ shardShare: false }).shardShare).toBe(Infinity)
  expect(resolveOptions({ readShare: false }).pace.share).toBe(Infinity)
  expect(resolveRouteOptions(endpoint())).toEqual({
    envelope: false,
    aggregateBytes: undefined,
    explicitHashKey: undefined,
    maxRecordBytes: 1_048_576,
    capacity: undefined,
    retentionMs: undefined,
    kmsKeyId: undefined,
    fanOut: false,
    keepMisplaced: false,
  })
})

it.each<[object, string]>([
  [{ regoin: 'eu-central-1' }, "unknown option 'regoin'; did you mean 'region'?"],
  [{ region: 'eu central' }, "'region'"],
  [{ endpoint: 'nowhere' }, "'endpoint'"],
  [{ endpoint: 'http://kinesis.example.com' }, 'clear text'],
  [{ endpoint: 'https://user:geheim@kinesis.example.com' }, 'no credentials'],
  [{ timeoutMs: 99 }, "'timeoutMs'"],
  [{ maxRequestBytes: 1_048_575 }, "'maxRequestBytes'"],
  [{ maxRequestBytes: 10_485_761 }, "'maxRequestBytes'"],
  [{ shardShare: 0 }, "'shardShare'"],
  [{ shardShare: 1.1 }, "'shardShare'"],
  [{ shardShare: Number.NaN }, "'shardShare'"],
  [{ shardShare: true }, "'shardShare'"],
  [{ allowPlaintext: 'yes' }, "'allowPlaintext'"],
  [{ store: {} }, "no 'claim'"],
  [{ store: null }, "'store'"],
  [{ leaseMs: 999 }, "'leaseMs'"],
  [{ leaseMs: 3_000, checkpointMs: 1_001 }, "'checkpointMs'"],
  [{ lookMs: 99 }, "'lookMs'"],
  [{ listMs: 999 }, "'listMs'"],
  [{ handOverMs: -1 }, "'handOverMs'"],
  [{ readShare: 0.01 }, "'readShare'"],
  [{ readShare: true }, "'readShare'"],
  [{ readIdleMs: 199 }, "'readIdleMs'"],
  [{ readPageBytes: 65_535 }, "'readPageBytes'"],
  [{ client: new FakeKinesis().client, region: 'eu-central-1' }, 'belongs to the client'],
])('refuses %j', (options, text) => {
  expect(() => resolveOptions(options as KinesisOptions)).toThrow(
    expect.objectContaining({ code: 'ERR_CONFIGURATION', message: expect.stringContaining(text) }),
  )
})

it('takes http for this machine, and elsewhere only if that is asked for', () => {
  for (const url of ['http://127.0.0.1:4567', 'http://localhost:4567', 'http://[::1]:4567'])
    expect(resolveOptions({ endpoint: url }).endpoint).toContain('http://')
  expect(resolveOptions({ endpoint: 'http://kinesis.internal', allowPlaintext: true }).endpoint).toBe('http://kinesis.internal/')
})

it('reads options from a URL', () => {
  expect(optionsFromUrl(new URL('kinesis:'))).toEqual({})
  expect(optionsFromUrl(new URL('kinesis://eu-central-1?shardShare=0.5&endpoint=http%3A%2F%2Flocalhost%3A4567&allowPlaintext'))).toEqual({
    region: 'eu-central-1',
    shardShare: 0.5,
    endpoint: 'http://localhost:4567',
    allowPlaintext: true,
  })
  expect(optionsFromUrl(new URL('kinesis:?shardShare=false&readShare=false'))).toEqual({ shardShare: false, readShare: false })
})

it.each([
  ['kinesis://eu-central-1?timeout=1', "unknown parameter 'timeout'; did you mean 'timeoutMs'?"],
  ['kinesis://eu-central-1?shardShare=x', "'shardShare'"],
  ['kinesis://key:geheim@eu-central-1', 'credentials'],
  ['kinesis://eu-central-1/positions', 'routes'],
])('refuses the URL %s without showing secrets', (url, text) => {
  let message = ''
  try {
    kinesis.fromUrl(new URL(url))
  } catch (error) {
    message = (error as Error).message
  }
  expect(message).toContain(text)
  expect(message).not.toContain('geheim')
})

it('takes neither clients nor credentials from a configuration', () => {
  for (const name of ['client', 'credentials']) expect(() => kinesis.fromConfiguration({ [name]: {} })).toThrow(`option '${name}' is for code only`)
  expect(() => kinesis.fromConfiguration({ store: {} })).toThrow('kinesisWith({ store })')
  expect(kinesis.fromConfiguration({ region: 'eu-central-1' }).name).toBe('kinesis')
})

it.each<[object, string]>([
  [{ envelop: true }, "unknown option 'envelop'; did you mean 'envelope'?"],
  [{ envelope: 'yes' }, "'envelope'"],
  [{ aggregate: 1 }, "'aggregate'"],
  [{ aggregate: { maxBytes: 1_023 } }, "'aggregate.maxBytes'"],
  [{ aggregate: { maxByte: 2_000 } }, "did you mean 'maxBytes'?"],
  [{ explicitHashKey: 'key' }, 'a function'],
  [{ maxRecordBytes: 1_048_577 }, 'a multiple of 1024'],
  [{ maxRecordBytes: 10_486_784 }, "'maxRecordBytes'"],
  [{ capacity: 'provisioned' }, "'on-demand' or { shards }"],
  [{ capacity: {} }, 'a number of shards'],
  [{ capacity: { shards: 0 } }, "'capacity.shards'"],
  [{ retentionMs: 3_600_000 }, "'retentionMs'"],
  [{ retentionMs: 86_400_001 }, 'a multiple of 3600000'],
  [{ encryption: true }, "'aws-managed' or { kmsKeyId }"],
  [{ encryption: {} }, 'a kmsKeyId'],
])('refuses a route with %j', (options, text) => {
  expect(kinesis().capabilities(endpoint({ options: options as Record<string, unknown> }))).toEqual({
    refused: expect.stringContaining(text),
    remedy: "correct the route's options",
  })
})

it('makes aggregated records as large as asked for, and never larger than a record may be', () => {
  const largest = (options: Record<string, unknown>): number | undefined => resolveRouteOptions(endpoint({ options })).aggregateBytes
  expect([largest({ aggregate: true }), largest({ aggregate: {} }), largest({ aggregate: false })]).toEqual([1_048_576, 1_048_576, undefined])
  expect(largest({ aggregate: { maxBytes: 51_200 } })).toBe(51_200)
  expect(largest({ aggregate: { maxBytes: 10_485_760 } })).toBe(1_048_576)
  expect(largest({ aggregate: true, maxRecordBytes: 2_097_152 })).toBe(2_097_152)
})
