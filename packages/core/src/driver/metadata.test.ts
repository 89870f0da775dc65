import { describe, expect, it } from 'vitest'
import { hexOf, shownIn } from '../test-support/wire-format-page.ts'
import { metadataHeader, metadataVersion, packMetadata, unpackMetadata, type Metadata } from './metadata.ts'

// These vectors are what other versions and other clients read.
const vectors: readonly (readonly [name: string, metadata: Metadata, text: string])[] = [
  ['a key', { key: 'truck-7' }, '{"v":1,"k":"truck-7"}'],
  ['a key and a count of attempts', { key: 'truck-7', attempt: 2 }, '{"v":1,"k":"truck-7","a":2}'],
  [
    'everything, in this order whatever the order given',
    {
      deliveries: 4,
      attempt: 3,
      timestamp: 1_767_225_600_123,
      replyTo: 'replies/1',
      correlationId: 'c-1',
      key: 'k',
      contentType: 'application/json',
      type: 'order.placed',
      id: 'm-1',
    },
    '{"v":1,"i":"m-1","t":"order.placed","c":"application/json","k":"k","r":"c-1","to":"replies/1","s":1767225600123,"a":3,"d":4}',
  ],
  ['characters that JSON escapes', { key: 'a"b\\c' }, String.raw`{"v":1,"k":"a\"b\\c"}`],
]

describe('the metadata header', () => {
  it('has the name and version that are on the wire', () => {
    expect([metadataHeader, metadataVersion]).toEqual(['busbar', 1])
  })

  it.each(vectors)('carries %s, byte for byte', (_, metadata, text) => {
    expect(packMetadata(metadata)).toBe(text)
    expect(unpackMetadata(text)).toEqual(metadata)
  })

  it('is what docs/reference/wire-format.md shows, text and bytes', () => {
    const shown = shownIn('The metadata header')
    const texts = shown.filter((line) => line.startsWith('{'))
    expect(texts).toEqual(vectors.slice(0, 3).map(([, , text]) => text))
    const bytes = shown.flatMap((line, index) => (line.startsWith('{') ? [] : [[shown[index - 1], line]]))
    expect(bytes).toEqual(texts.slice(0, 2).map((text) => [text, hexOf(text)]))
  })

  it('is left out when there is nothing to carry', () => {
    expect(packMetadata({})).toBeUndefined()
    expect(packMetadata({ type: undefined, key: undefined, attempt: 0 })).toBeUndefined()
  })

  it('stays within 1 KiB with the longest ids and keys that core lets through, all escaped', () => {
    const longest = '"'.repeat(128)
    const text = packMetadata({
      id: longest,
      type: longest,
      key: longest,
      contentType: 'text/plain; charset=utf-8',
      timestamp: 9_999_999_999_999,
      attempt: 100,
      deliveries: 1_000_000,
    })
    expect(Buffer.byteLength(text as string)).toBeLessThanOrEqual(1024)
  })

  it('does not believe texts that nobody of ours would write', () => {
    const long = 'x'.repeat(256)
    expect(unpackMetadata(JSON.stringify({ v: 1, i: long, t: '', k: long, r: long, to: 'y'.repeat(1_025) }))).toEqual({ correlationId: long })
  })

  it.each([
    ['no header', undefined],
    ['an empty one', ''],
    ['text that is not JSON', '{"v":1,'],
    ['JSON that is no object', '["v",1]'],
    ['null', 'null'],
    ['no version', '{"k":"truck-7"}'],
    ['a newer version', '{"v":2,"k":"truck-7"}'],
    ['a version of another type', '{"v":"1","k":"truck-7"}'],
    ['more than 4,096 characters', `{"v":1,"k":"${'x'.repeat(4096)}"}`],
  ])('yields no fields for %s', (_, text) => {
    expect(unpackMetadata(text)).toEqual({})
  })

  it('takes the fields that are right and leaves those of the wrong type', () => {
    expect(unpackMetadata('{"v":1,"i":7,"k":"k","a":-1,"s":1.5,"t":null,"to":["x"]}')).toEqual({ key: 'k' })
    expect(unpackMetadata('{"v":1,"a":9007199254740992,"s":1e400,"r":"c"}')).toEqual({ correlationId: 'c' })
  })

  it('ignores fields that it does not know, whatever their names', () => {
    const metadata = unpackMetadata('{"v":1,"__proto__":{"key":"forged"},"x":1,"key":"forged"}')
    expect(metadata).toEqual({})
    expect(metadata.key).toBeUndefined()
  })
})
