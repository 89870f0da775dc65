import type { KeyObject } from 'node:crypto'
import { kindOf, suggestion } from '@busbar/core/driver'
import { assertOptions } from '../support/assert-option.ts'
import { keyBytes, keyIdPattern, secretOf, type KeyProvider, type MasterKeyMaterial } from './keys.ts'

export interface LocalKeysOptions {
  /** Id of the key for what is sent from now on. */
  readonly current: string
  /** All keys by id, those of earlier messages included: 32 bytes each, as they are, as a `KeyObject`, or as text in base64 or base64url. */
  readonly keys: Readonly<Record<string, MasterKeyMaterial | string>>
}

/**
 * Keys that the program has: from its environment, a file, a secret that is mounted. To rotate them without losing a message: add the new key to all consumers,
 * make it `current` in the producers, and remove the old one when no message and no dead letter of it is left.
 *
 * Throws `TypeError` for what is no key, naming its id and nothing of it.
 */
export function localKeys(options: LocalKeysOptions): KeyProvider {
  assertOptions('localKeys', options, ['current', 'keys'])
  const { current } = options
  if (typeof options.keys !== 'object' || (options.keys as object | null) === null)
    throw new TypeError(`localKeys: keys must be an object, not ${kindOf(options.keys)}`)
  const keys = new Map(Object.entries(options.keys).map(([id, material]) => [id, checkedKey(id, material)]))
  const key = keys.get(current)
  if (key === undefined) throw new TypeError(`localKeys: current is '${current}', which keys does not have${suggestion(current, [...keys.keys()])}`)
  return {
    currentKey: () => ({ id: current, key }),
    keyById: (id) => keys.get(id),
  }
}

function checkedKey(id: string, material: MasterKeyMaterial | string): KeyObject {
  if (!keyIdPattern.test(id)) throw new TypeError("localKeys: an id has 1 to 128 characters from '!' to '~'")
  try {
    return secretOf(typeof material === 'string' ? bytesOf(material) : material, id)
  } catch {
    throw new TypeError(`localKeys: the key '${id}' must be ${keyBytes} bytes, or their base64`)
  }
}

/** `Buffer.from` skips what is no base64, and would make a shorter key of it. */
function bytesOf(text: string): Uint8Array {
  return /^[\w+/-]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : new Uint8Array()
}
