import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import type { ProcessMiddleware } from '@busbar/core'
import { describe, expect, it } from 'vitest'
import { makeContext, type TestContext } from '../test-support/context.ts'
import { contextOf, processed } from '../test-support/received.ts'
import { sentThrough } from '../test-support/send-context.ts'
import { compression } from './compression.ts'
import { decompression, type DecompressionOptions } from './decompression.ts'

const text = JSON.stringify({ text: 'all work and no play '.repeat(200) })

const encoders = { gzip: gzipSync, 'x-gzip': gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync } as const
const names = Object.keys(encoders) as (keyof typeof encoders)[]

function encoded(encoding: string, body: string | Uint8Array): TestContext {
  return makeContext({ body, headers: { 'content-encoding': encoding, tenant: 'acme' } })
}

async function refusal(context: TestContext, options: DecompressionOptions = {}): Promise<string> {
  const { incoming } = context
  const outcome = await processed(decompression(options), context)
  expect(outcome).toMatchObject({ action: 'dead-letter', reason: 'the body cannot be decompressed', error: { code: 'ERR_UNDECODABLE', retryable: false } })
  expect(context.incoming).toBe(incoming)
  return (outcome as { error: Error }).error.message.replace('the body cannot be decompressed: ', '')
}

async function handles(middleware: ProcessMiddleware, context: TestContext): Promise<string> {
  expect(await processed(middleware, context)).toBe('handled')
  expect(context.incoming.bodyBytes).toBe(Buffer.byteLength(context.incoming.body))
  return Buffer.from(context.incoming.body as Uint8Array).toString()
}

describe('decompression', () => {
  it.each(['gzip', 'brotli', 'zstd'] as const)('undoes what compression did with %s', async (algorithm) => {
    const context = contextOf(await sentThrough([compression({ algorithm })], { body: text }))
    expect(await handles(decompression(), context)).toBe(text)
  })

  it.each(names)('reads %s of other senders and takes the header away', async (name) => {
    const context = encoded(name.toUpperCase(), encoders[name](text))
    expect(await handles(decompression(), context)).toBe(text)
    expect({ ...context.incoming.headers }).toEqual({ tenant: 'acme' })
    expect(Object.getPrototypeOf(context.incoming.headers)).toBeNull()
  })

  it('reads the byte vectors of the documentation', async () => {
    const vectors = {
      gzip: '1f8b0800000000000003ab564a54b232ac0500afac1b5607000000',
      br: '0b03807b2261223a317d03',
      zstd: '28b52ffd20073900007b2261223a317d',
    }
    for (const [name, hex] of Object.entries(vectors)) expect(await handles(decompression(), encoded(name, Buffer.from(hex, 'hex')))).toBe('{"a":1}')
  })

  it.each(names)('reads %s that is long, and that is short and holds much', async (name) => {
    const noise = Array.from({ length: 30_000 }, (_, index) => ((index * 7_919) % 9_973).toString(36)).join('')
    for (const body of ['a'.repeat(65_536), 'a'.repeat(65_537), 'a'.repeat(5_000_000), noise]) {
      const context = encoded(name, encoders[name](body))
      expect((await handles(decompression(), context)) === body).toBe(true)
      expect(await refusal(encoded(name, encoders[name](body)), { maxBytes: body.length - 1 })).toMatch(/more than/)
    }
  })

  it('undoes several, the last one first', async () => {
    const body = brotliCompressSync(gzipSync(deflateSync(text)))
    expect(await handles(decompression(), encoded(' deflate,gzip , br', body))).toBe(text)
  })

  it('reads several members of gzip and frames of zstd as one body', async () => {
    for (const [name, encode] of [['gzip', gzipSync] as const, ['zstd', zstdCompressSync] as const])
      expect(await handles(decompression(), encoded(name, Buffer.concat([encode('one '), encode(''), encode('two')])))).toBe('one two')
  })

  it('passes on what is not encoded, without a promise of its own', () => {
    expect(decompression().process(makeContext(), () => 'handled')).toBe('handled')
    for (const value of ['', 'identity', 'utf-8', 'UTF-8', 'binary', ' identity , utf-8'])
      expect(decompression().process(encoded(value, text), () => 'handled')).toBe('handled')
  })

  it('refuses other encodings, or passes them on if asked to', async () => {
    expect(await refusal(encoded('snappy', text))).toBe('content-encoding "snappy" is not known here')
    expect(await refusal(encoded('gzip, aes128gcm', gzipSync(text)))).toBe('content-encoding "aes128gcm" is not known here')
    expect(await refusal(encoded('constructor', text))).toContain('is not known here')
    for (const value of ['snappy', 'gzip,'.repeat(5), 'x'.repeat(10_000)]) {
      const context = encoded(value, text)
      const { incoming } = context
      expect(decompression({ otherEncodings: 'pass' }).process(context, () => 'handled')).toBe('handled')
      expect(context.incoming).toBe(incoming)
    }
  })

  it('refuses forged headers without repeating them at length', async () => {
    expect(await refusal(encoded('gzip,'.repeat(5), gzipSync(text)))).toContain('is not known here')
    expect((await refusal(encoded('\n\u0000'.repeat(100_000), text))).length).toBeLessThan(300)
  })

  it.each(names)('gives up %s that is cut off, damaged, followed by something, or not there at all', async (name) => {
    const body = encoders[name](text)
    for (const length of [0, 1, body.length >> 1, body.length - 1]) await refusal(encoded(name, body.subarray(0, length)))
    const damaged = Buffer.from(body)
    damaged.fill(0xff, damaged.length >> 1)
    await refusal(encoded(name, damaged))
    for (const extra of [Buffer.alloc(3), Buffer.from('more'), body.subarray(0, 5)]) await refusal(encoded(name, Buffer.concat([body, extra])))
    await refusal(encoded(name, text))
  })

  it('gives up a body of text that pretends to be compressed', async () => {
    expect(await refusal(encoded('gzip', '{"total":1}'))).toBe('it is not valid gzip data')
  })

  it.each(names)('stops %s that becomes too large', async (name) => {
    const bomb = encoders[name](Buffer.alloc(20_000_000))
    const before = process.memoryUsage().arrayBuffers
    expect(await refusal(encoded(name, bomb), { maxBytes: 1_000_000 })).toBe('it has more than 1000000 bytes')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8_000_000)
  })

  it('stops a bomb inside of another, and one of many members', async () => {
    const nested = gzipSync(gzipSync(Buffer.alloc(20_000_000)))
    expect(await refusal(encoded('gzip, gzip', nested), { maxBytes: 100_000 })).toBe('it has more than 100000 bytes')
    for (const encode of [gzipSync, zstdCompressSync]) {
      const many = Buffer.concat(Array.from({ length: 100 }, () => encode(Buffer.alloc(10_000))))
      expect(await refusal(encoded(encode === gzipSync ? 'gzip' : 'zstd', many), { maxBytes: 500_000 })).toBe('it has more than 500000 bytes')
    }
    const empty = Buffer.concat(Array.from({ length: 1_500 }, () => zstdCompressSync('')))
    expect(await refusal(encoded('zstd', empty))).toContain('bytes follow the zstd data')
  })

  it('takes a body of exactly maxBytes', async () => {
    for (const name of names) {
      expect(await handles(decompression({ maxBytes: text.length }), encoded(name, encoders[name](text)))).toBe(text)
      await refusal(encoded(name, encoders[name](text)), { maxBytes: text.length - 1 })
    }
  })

  it('does not grant a zstd frame a window larger than the body may be', async () => {
    // A window of 2 ** 27 bytes, and one raw block of two bytes.
    const wide = Buffer.from('28b52ffd0088110000'.concat('7b7d'), 'hex')
    expect(await refusal(encoded('zstd', wide), { maxBytes: 1_000_000 })).toBe('it is not valid zstd data')
    expect(await handles(decompression({ maxBytes: 2 ** 27 }), encoded('zstd', wide))).toBe('{}')
  })

  it('bounds the ratio if asked to', async () => {
    const body = gzipSync(text)
    const ratio = text.length / body.length
    expect(await handles(decompression({ maxRatio: ratio + 1 }), encoded('gzip', body))).toBe(text)
    expect(await refusal(encoded('gzip', body), { maxRatio: ratio - 1 })).toMatch(/^it has more than \d+ bytes$/)
  })

  it('throws what the rest of the chain throws', async () => {
    const failure = new Error('handler failed')
    const context = encoded('gzip', gzipSync(text))
    await expect((async () => decompression().process(context, () => Promise.reject(failure)))()).rejects.toBe(failure)
  })

  it.each([{ maxBytes: 0 }, { maxBytes: 0.5 }, { maxBytes: Infinity }, { maxRatio: 0 }, { maxRatio: Number.NaN }])('refuses %j', (options) => {
    expect(() => decompression(options)).toThrow(RangeError)
  })

  it('names what is unknown', () => {
    expect(() => decompression({ maxByte: 5 } as object)).toThrow("decompression: unknown option 'maxByte'; did you mean 'maxBytes'?")
    expect(() => decompression({ otherEncodings: 'drop' as 'pass' })).toThrow("decompression: otherEncodings must be 'refuse' or 'pass', not \"drop\"")
  })
})
