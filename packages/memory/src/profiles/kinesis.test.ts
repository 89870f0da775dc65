import { describe, expect, it } from 'vitest'
import { kit } from '../test-support/kit.ts'

// Section numbers are those of the broker semantics reference; shards, iterators and groups are tested with the stream.

const stream = { kind: 'stream', name: 'positions', destination: 'positions' } as const
const invalid = { ok: false, stored: 'no', error: { code: 'ERR_INVALID', retryable: false } }

describe('Kinesis: limits (3.1)', () => {
  it('a partition key has 1 to 256 Unicode characters', async () => {
    const { send, endpoint } = await kit({ profile: 'kinesis' })
    const keys = ['x'.repeat(256), '😀'.repeat(256), 'x'.repeat(257), '😀'.repeat(257), '']
    const results = await send(
      keys.map((key, index) => ({ id: `m${index}`, key })),
      endpoint(stream),
    )
    expect(results).toMatchObject([{ ok: true }, { ok: true }, invalid, invalid, invalid])
    expect(results[2]).toMatchObject({ error: { message: 'positions: a partition key has 1 to 256 characters', messageId: 'm2' } })
  })

  it('a message without a key is spread by its id, of any length', async () => {
    const { send, endpoint } = await kit({ profile: 'kinesis' })
    expect(await send([{ id: 'x'.repeat(300), body: '' }], endpoint(stream))).toMatchObject([{ ok: true }])
  })

  it('data and key of a record are 1 MiB together', async () => {
    const { send, endpoint } = await kit({ profile: 'kinesis' })
    const record = (bytes: number) => ({ key: 'é', body: 'x'.repeat(bytes - 2) })
    expect(await send([record(1_048_576)], endpoint(stream))).toMatchObject([{ ok: true }])
    expect(await send([record(1_048_577)], endpoint(stream))).toMatchObject([{ ok: false, error: { code: 'ERR_TOO_LARGE' } }])
  })

  it('PutRecords takes 500 records and 10 MiB with their keys', async () => {
    const { send, endpoint } = await kit({ profile: 'kinesis' })
    const records = (count: number, bytes: number) => Array.from({ length: count }, () => ({ key: 'k', body: 'x'.repeat(bytes - 1) }))
    const outcome = async (count: number, bytes: number) =>
      (await send(records(count, bytes), endpoint(stream))).map((result) => result.ok || result.error.code)
    expect(new Set(await outcome(500, 10))).toEqual(new Set([true]))
    expect(new Set(await outcome(501, 10))).toEqual(new Set(['ERR_INVALID']))
    expect(new Set(await outcome(10, 1_048_576))).toEqual(new Set([true]))
    expect(new Set(await outcome(11, 1_048_576))).toEqual(new Set(['ERR_TOO_LARGE']))
  })

  it('records are kept for 24 hours at least', async () => {
    const { driver, endpoint } = await kit({ profile: 'kinesis' })
    const keeping = (retentionMs: number) => driver.capabilities(endpoint({ ...stream, options: { retentionMs } }))
    expect(keeping(86_400_000)).not.toHaveProperty('refused')
    expect(keeping(86_399_999)).toMatchObject({ refused: 'Kinesis keeps records for at least 86400000 ms, not 86399999' })
    expect(keeping(31_536_000_000)).not.toHaveProperty('refused')
    expect(keeping(31_536_000_001)).toHaveProperty('refused')
  })

  it('names of streams and of consumers are 1 to 128 letters, digits, dots, hyphens and underscores', async () => {
    const { driver, endpoint } = await kit({ profile: 'kinesis' })
    const refusal = (name: string, subscription: string) => driver.capabilities(endpoint({ ...stream, name, subscription: { name: subscription } }))
    expect(refusal('x'.repeat(128), 'x'.repeat(128))).not.toHaveProperty('refused')
    for (const [name, subscription] of [
      ['x'.repeat(129), 's'],
      ['', 's'],
      ['a b', 's'],
      ['x', 'x'.repeat(129)],
      ['x', ''],
      ['x', 'a b/€'],
    ] as const)
      expect(refusal(name, subscription), `${name}, ${subscription}`).toHaveProperty('remedy')
  })
})

describe('Kinesis: what it does not have (7.1)', () => {
  it.each([
    ['a delay', { delayMs: 1 }],
    ['a time to live', { timeToLiveMs: 1_000 }],
    ['deduplication', { deduplicationId: 'd' }],
  ])('refuses %s of a single record', async (_what, wish) => {
    const { send, endpoint, stats, link } = await kit({ profile: 'kinesis' })
    const from = endpoint({ ...stream, subscription: { name: 's' } })
    await link.inspect(from)
    expect(await send([{ id: 'a', key: 'k', ...wish }], endpoint(stream))).toMatchObject([invalid])
    expect((await stats(from)).oldestAgeMs).toBe(0)
  })

  it('stores a repeated send twice: producers have no deduplication (3.2)', async () => {
    const { send, consume, endpoint, clock } = await kit({ profile: 'kinesis' })
    const consumer = await consume({ endpoint: endpoint({ ...stream, subscription: { name: 's', startFrom: 'earliest' } }) })
    for (let times = 0; times < 2; times++) await send([{ id: 'a', key: 'k' }], endpoint(stream))
    await clock.advance(0)
    expect(consumer.intake.take()).toEqual(['a', 'a'])
  })
})
