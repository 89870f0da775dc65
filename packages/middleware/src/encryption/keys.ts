import { createSecretKey, KeyObject } from 'node:crypto'
import { BrokerError } from '@busbar/core'
import type { MaybePromise } from '@busbar/core/driver'

/** 32 bytes, as they are or as a `KeyObject` of `node:crypto`. */
export type MasterKeyMaterial = Uint8Array | KeyObject

/** A key that encrypts data keys, never messages. */
export interface MasterKey {
  /** 1 to 128 characters from `!` to `~`. Travels with every message, so it must not be secret. */
  readonly id: string
  readonly key: MasterKeyMaterial
}

/** Where master keys come from. May be asked several things at once; repeats nothing itself. What it throws means that it cannot be asked now. */
export interface KeyProvider {
  /** The key for what is sent from now on. Asked once per data key. */
  currentKey(): MaybePromise<MasterKey>
  /** The key of that id, also when it is no longer the current one; `undefined` if there is none. The id comes from outside: it is data, not trust. */
  keyById(id: string): MaybePromise<MasterKeyMaterial | undefined>
}

/** Characters that every header can carry. */
export const keyIdPattern: RegExp = /^[!-~]{1,128}$/

export const keyBytes = 32

/** Throws `ERR_CONFIGURATION` for anything but 256 bits. Says nothing of them. */
export function secretOf(material: MasterKeyMaterial, id: string): KeyObject {
  const secret = material instanceof KeyObject ? material : material instanceof Uint8Array ? createSecretKey(material) : undefined
  if (secret?.symmetricKeySize === keyBytes) return secret
  const what = secret === undefined ? 'not bytes' : secret.type === 'secret' ? `${secret.symmetricKeySize} bytes` : `a ${secret.type} key`
  throw new BrokerError('ERR_CONFIGURATION', `the key '${id}' must be ${keyBytes} bytes; the provider gave ${what}`)
}

export function checkProvider(name: string, keys: KeyProvider): void {
  for (const method of ['currentKey', 'keyById'] as const)
    if (typeof keys?.[method] !== 'function') throw new TypeError(`${name}: keys must be a KeyProvider; it has no function ${method}`)
}
