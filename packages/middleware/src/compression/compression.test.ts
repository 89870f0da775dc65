import { createHash } from 'node:crypto'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../test-support/manual-clock.ts'
import { makeSendContext, sentThrough } from '../test-support/send-context.ts'
import { compression, type CompressionAlgorithm, type CompressionOptions } from './compression.ts'

const long = JSON.stringify({ text: 'all work and no play '.repeat(200) })

describe('compression', () => {
  it.each([
    ['gzip', 'gzip', gunzipSync],
    ['brotli', 'br', brotliDecompressSync],
    ['zstd', 'zstd', zstdDecompressSync],
  ] as const)('compresses with %s and says %s', async (algorithm, token, decompress) => {
    for (const body of [long, Buffer.from(long)]) {
      const sent = await sentThrough([compression({ algorithm })], { body, headers: { tenant: 'acme' } })
      expect({ ...sent.headers }).toEqual({ tenant: 'acme', 'content-encoding': token })
      expect(Object.getPrototypeOf(sent.headers)).toBeNull()
      expect(sent.bodyBytes).toBe(Buffer.byteLength(sent.body))
      expect(sent.bodyBytes).toBeLessThan(200)
      expect(decompress(sent.body).toString()).toBe(long)
      expect(sent.contentType).toBe('application/json')
    }
  })

  it('leaves alone what is below minBytes, without a promise of its own', async () => {
    const receipt = Promise.resolve({ id: 'm1' })
    const context = makeSendContext({ body: 'a'.repeat(1023) })
    const { outgoing } = context
    expect(compression().send(context, () => receipt)).toBe(receipt)
    expect(context.outgoing).toBe(outgoing)
    expect((await sentThrough([compression()], { body: 'a'.repeat(1024) })).headers['content-encoding']).toBe('gzip')
    expect((await sentThrough([compression({ minBytes: 0 })], { body: 'a'.repeat(100) })).headers['content-encoding']).toBe('gzip')
  })

  it('sends a body as it is that does not get smaller by more than the header takes', async () => {
    const body = createHash('shake256', { outputLength: 4096 }).update('noise').digest()
    const sent = await sentThrough([compression()], { body })
    expect(sent.body).toBe(body)
    expect(sent.headers['content-encoding']).toBeUndefined()
    const short = await sentThrough([compression({ minBytes: 0 })], { body: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' })
    expect(short.headers['content-encoding']).toBeUndefined()
  })

  it('leaves alone what consumers would refuse to decompress', async () => {
    const body = 'a'.repeat(5_000)
    expect((await sentThrough([compression({ maxBytes: 4_999 })], { body })).headers['content-encoding']).toBeUndefined()
    expect((await sentThrough([compression({ maxBytes: 5_000 })], { body })).headers['content-encoding']).toBe('gzip')
  })

  it('does not touch what its sender has encoded already', async () => {
    const sent = await sentThrough([compression()], { body: long, headers: { 'content-encoding': 'snappy' } })
    expect(sent.body).toBe(long)
    expect(sent.headers['content-encoding']).toBe('snappy')
  })

  it.each([
    ['gzip', 6, gunzipSync],
    ['brotli', 5, brotliDecompressSync],
    ['zstd', 3, zstdDecompressSync],
  ] as const)('works with %s in place up to 16 KiB and level %i, and in the thread pool above', async (algorithm, usual, decompress) => {
    for (const [bytes, level, inPool] of [
      [16_384, usual, 0],
      [16_384, 1, 0],
      [16_385, usual, 1],
      [16_384, usual + 1, 1],
    ] as const) {
      let external = 0
      const counted = <T>(operation: Promise<T>): Promise<T> => {
        external++
        return operation
      }
      const clock = Object.assign(new ManualClock(), { external: counted })
      const body = 'a rhyme in time '.repeat(1_100).slice(0, bytes)
      const sent = await sentThrough([compression({ algorithm, level })], { body, clock })
      expect([bytes, level, external]).toEqual([bytes, level, inPool])
      expect(decompress(sent.body).toString()).toBe(body)
    }
  })

  it('tells zstd how long a body is, without which its highest levels take a hundred times as long', async () => {
    const sent = await sentThrough([compression({ algorithm: 'zstd', level: 19 })], { body: long })
    // The frame header: its descriptor says that the content size is given.
    expect((sent.body as Uint8Array)[4]! & 0b1110_0000).not.toBe(0)
  })

  it('lets a failed send fail', async () => {
    const failure = new Error('no')
    await expect(compression().send(makeSendContext({ body: long }), () => Promise.reject(failure))).rejects.toBe(failure)
  })

  it.each([
    { minBytes: -1 },
    { minBytes: 1.5 },
    { minBytes: Infinity },
    { maxBytes: 0 },
    { level: 0 },
    { level: 10 },
    { algorithm: 'brotli', level: 12 },
    { algorithm: 'zstd', level: 20 },
    { algorithm: 'zstd', level: Number.NaN },
  ] as CompressionOptions[])('refuses %j', (options) => {
    expect(() => compression(options)).toThrow(RangeError)
  })

  it('names what is unknown', () => {
    expect(() => compression({ levels: 5 } as object)).toThrow(new TypeError("compression: unknown option 'levels'; did you mean 'level'?"))
    expect(() => compression({ algorithm: 'gzp' as CompressionAlgorithm })).toThrow("compression: unknown algorithm 'gzp'; did you mean 'gzip'?")
    expect(() => compression({ algorithm: 'constructor' as CompressionAlgorithm })).toThrow('unknown algorithm')
  })
})
