import type { MaybePromise } from '@busbar/core/driver'

export interface BodyStoreOptions {
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

export interface BodyStoreGetOptions extends BodyStoreOptions {
  /** Size that is expected. What is larger need not be read to its end: a result longer than this is enough to show it. */
  readonly maxBytes: number
}

/**
 * Where bodies are kept. Keys are `2026/01/31/` and 32 hexadecimal digits: the day in UTC and a random name, never used twice.
 * Implementations repeat failed calls themselves or not at all; what they throw means that the store cannot be used now, and the call may be made again.
 * Several calls may be out at once.
 */
export interface BodyStore {
  /** Resolves when the body is stored durably. A reader sees all of it or nothing. */
  put(key: string, body: Uint8Array, options: BodyStoreOptions): MaybePromise<void>
  /** The body; `undefined` if there is none under this key, which must be sure: the message is given up then. */
  get(key: string, options: BodyStoreGetOptions): MaybePromise<Uint8Array | undefined>
  /** Nothing to delete is not an error. */
  delete(key: string, options: BodyStoreOptions): MaybePromise<void>
}

const storeFunctions = ['put', 'get', 'delete'] as const

export function checkStore(name: string, store: BodyStore): void {
  for (const method of storeFunctions)
    if (typeof store?.[method] !== 'function') throw new TypeError(`${name}: store must be a BodyStore; it has no function ${method}`)
}
