import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { localKeys } from './local-keys.ts'

const bytes = Buffer.alloc(32, 7)

describe('localKeys', () => {
  it.each([
    ['bytes', bytes],
    ['a KeyObject', createSecretKey(bytes)],
    ['base64', bytes.toString('base64')],
    ['base64url', bytes.toString('base64url')],
  ])('takes %s', (_form, key) => {
    const provider = localKeys({ current: 'k1', keys: { k1: key } })
    expect(provider.currentKey()).toMatchObject({ id: 'k1' })
    expect((provider.keyById('k1') as KeyObject).export()).toEqual(bytes)
    expect(provider.keyById('k2')).toBeUndefined()
    expect(provider.keyById('constructor')).toBeUndefined()
  })

  it('keeps a copy', () => {
    const mine = Buffer.from(bytes)
    const provider = localKeys({ current: 'k1', keys: { k1: mine } })
    mine.fill(0)
    expect((provider.keyById('k1') as KeyObject).export()).toEqual(bytes)
  })

  it.each([Buffer.alloc(16), Buffer.alloc(33), '', 'c2VjcmV0', 'secret '.repeat(6), null, 5, generateKeyPairSync('ed25519').privateKey])(
    'refuses what is no key, without showing it (%#)',
    (key) => {
      expect(() => localKeys({ current: 'k1', keys: { k1: key as string } })).toThrow(
        new TypeError("localKeys: the key 'k1' must be 32 bytes, or their base64"),
      )
    },
  )

  it('refuses ids that no header could carry, and a current key that is not there', () => {
    for (const id of ['', 'k 1', 'k'.repeat(129), 'schlüssel']) expect(() => localKeys({ current: id, keys: { [id]: bytes } })).toThrow('localKeys: an id has')
    expect(() => localKeys({ current: 'k2', keys: { k1: bytes } })).toThrow("localKeys: current is 'k2', which keys does not have")
    expect(() => localKeys({ curent: 'k1', keys: { k1: bytes } } as never)).toThrow("did you mean 'current'?")
    for (const none of [undefined, null, 'k1'])
      expect(() => localKeys({ current: 'k1', keys: none as never })).toThrow(/^localKeys: keys must be an object, not (undefined|null|string)$/)
  })
})
