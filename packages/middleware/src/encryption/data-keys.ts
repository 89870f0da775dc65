import { createSecretKey, type KeyObject } from 'node:crypto'
import { BrokerError, type Clock } from '@busbar/core'
import { promised, type MaybePromise } from '@busbar/core/driver'
import { unpredictable } from '../support/unpredictable.ts'
import { within } from '../support/within.ts'
import { keyBytes, keyIdPattern, secretOf, type KeyProvider, type MasterKey } from './keys.ts'
import { wrap } from './seal.ts'

export interface DataKeysOptions {
  readonly keys: KeyProvider
  readonly maxMessages: number
  readonly maxAgeMs: number
  readonly timeoutMs: number
}

/** A key for a number of messages, and the same encrypted with the master key. */
export interface DataKey {
  readonly keyId: string
  readonly wrapped: string
  readonly secret: KeyObject
}

interface Period {
  readonly dataKey: DataKey
  /** Monotonic milliseconds. */
  readonly endsAt: number
  left: number
}

/** Hands out a data key per message, and a fresh one after so many messages or so much time. Synchronous while the key at hand lasts. */
export class DataKeys {
  readonly #options: DataKeysOptions
  #period: Period | undefined
  #asking: Promise<void> | undefined

  constructor(options: DataKeysOptions) {
    this.#options = options
  }

  next(clock: Clock): MaybePromise<DataKey> {
    const period = this.#period
    if (period !== undefined && period.left > 0 && clock.monotonic() < period.endsAt) {
      period.left--
      return period.dataKey
    }
    if (this.#asking === undefined) {
      let master: MaybePromise<MasterKey>
      try {
        master = promised(this.#options.keys.currentKey())
      } catch (error) {
        throw unavailable(error)
      }
      if (!(master instanceof Promise)) {
        this.#begin(master, clock)
        return this.next(clock)
      }
      this.#asking = this.#ask(master, clock)
    }
    return this.#asking.then(() => this.next(clock))
  }

  async #ask(answer: Promise<MasterKey>, clock: Clock): Promise<void> {
    const { timeoutMs } = this.#options
    try {
      const master = await within({ clock, timeoutMs, what: 'the key provider' }, () => answer).catch((error: unknown) => {
        throw unavailable(error)
      })
      this.#begin(master, clock)
    } finally {
      this.#asking = undefined
    }
  }

  #begin(master: MasterKey, clock: Clock): void {
    const { maxMessages, maxAgeMs } = this.#options
    const id: unknown = master?.id
    if (typeof id !== 'string' || !keyIdPattern.test(id))
      throw new BrokerError('ERR_CONFIGURATION', "encryption: the provider's current key has no id of 1 to 128 characters from '!' to '~'")
    const bytes = unpredictable(keyBytes)
    const dataKey: DataKey = { keyId: id, wrapped: wrap(bytes, secretOf(master.key, id)), secret: createSecretKey(bytes) }
    bytes.fill(0)
    this.#period = { dataKey, endsAt: clock.monotonic() + maxAgeMs, left: maxMessages }
  }
}

function unavailable(cause: unknown): BrokerError {
  return new BrokerError('ERR_UNAVAILABLE', 'encryption: the key provider has given no key; the message was not sent', { cause })
}
