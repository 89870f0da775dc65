import { BrokerError } from '@busbar/core'
import { kindOf } from '@busbar/core/driver'

/** What a user's `key` function has returned. Throws `ERR_INVALID` for what is no text: as part of a key, a promise would be the same for every message. */
export function textKey(what: string, key: unknown, destination: string): string {
  if (typeof key === 'string') return key
  // Nobody waits for it.
  if (key instanceof Promise) key.catch(() => {})
  const kind = key instanceof Promise ? 'a promise' : kindOf(key)
  throw new BrokerError('ERR_INVALID', `${what}: key must return a text, not ${kind}`, { destination })
}
