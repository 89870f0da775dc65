import type { KeyObject } from 'node:crypto'
import { BrokerError, type Directive, type Next, type ProcessContext, type ProcessMiddleware } from '@busbar/core'
import { checkedNumber, type MaybePromise } from '@busbar/core/driver'
import { assertFunction, assertOptions } from '../support/assert-option.ts'
import { withoutHeader } from '../support/headers.ts'
import { waitFor } from '../support/outages.ts'
import { tell } from '../support/tell.ts'
import { undecodable } from '../support/undecodable.ts'
import { checkedNames } from './checked-names.ts'
import { encryptionHeader, unpackEnvelope, type Envelope } from './envelope.ts'
import { checkProvider, type KeyProvider } from './keys.ts'
import { ReceivedKeys, type ReceivedKey } from './received-keys.ts'
import { additionalData, open } from './seal.ts'
import { Troubles } from './troubles.ts'

/** A master key that could not be had. */
export interface KeyFailure {
  readonly keyId: string
  readonly error: unknown
}

export interface DecryptionOptions {
  readonly keys: KeyProvider
  /** Names of user headers that must be authenticated; a message in which one is not is given up. Default: none. */
  readonly headers?: readonly string[]
  /** Let messages that are not encrypted through? Default false: they are given up to the dead-letter place. */
  readonly allowPlain?: boolean
  /**
   * How long to wait for a key that the provider does not know, in milliseconds, ≥ 0, from the first message that needs it. Default 300,000.
   * The messages wait without using an attempt, and are given up afterwards.
   */
  readonly unknownKeyMs?: number
  /** How long the key provider may take, in milliseconds, ≥ 1. Default 10,000. */
  readonly timeoutMs?: number
  /** Told about keys that could not be had, at every try. */
  readonly onKeyFailure?: (failure: KeyFailure) => void
}

const known = ['keys', 'headers', 'allowPlain', 'unknownKeyMs', 'timeoutMs', 'onKeyFailure']
const reason = 'the message cannot be decrypted'

/**
 * Decrypts what {@link encryption} has encrypted. Stands inside the claim check and outside decompression.
 *
 * A message that was changed, put together from parts of others, or encrypted with another key is given up to the dead-letter place with `ERR_UNDECODABLE`,
 * without a word on what exactly is wrong. While the provider fails, messages wait without using an attempt; while it does not know their key, for `unknownKeyMs`.
 * Neither errors nor dead letters hold anything that was encrypted.
 *
 * Throws `RangeError` or `TypeError` for options out of bounds or unknown.
 */
export function decryption(options: DecryptionOptions): ProcessMiddleware {
  assertOptions('decryption', options, known)
  const { keys, allowPlain = false, unknownKeyMs = 300_000, timeoutMs = 10_000, onKeyFailure } = options
  checkProvider('decryption', keys)
  const names = checkedNames('decryption', options.headers)
  if (typeof allowPlain !== 'boolean') throw new TypeError('decryption: allowPlain must be true or false')
  checkedNumber('decryption: unknownKeyMs', unknownKeyMs, 0)
  checkedNumber('decryption: timeoutMs', timeoutMs, 1)
  assertFunction('decryption: onKeyFailure', onKeyFailure)
  const decryptor = new Decryptor({ received: new ReceivedKeys(keys, timeoutMs), unknownKeyMs, onKeyFailure })
  return {
    name: 'decryption',
    stage: 'decryption',
    process(context, next) {
      const header = context.incoming.headers[encryptionHeader]
      if (header === undefined) return allowPlain ? next() : undecodable(context, 'the message is not encrypted')
      const envelope = unpackEnvelope(header)
      if (envelope === undefined) return undecodable(context, reason)
      const loose = names.find((name) => !envelope.headers.includes(name))
      if (loose !== undefined) return undecodable(context, reason, `its header ${loose} is not authenticated`)
      return decryptor.process({ header, envelope, context, next })
    },
  }
}

interface Work {
  readonly header: string
  readonly envelope: Envelope
  readonly context: ProcessContext
  readonly next: Next
}

interface DecryptorOptions {
  readonly received: ReceivedKeys
  readonly unknownKeyMs: number
  readonly onKeyFailure: DecryptionOptions['onKeyFailure']
}

/** Synchronous where the keys are at hand. */
class Decryptor {
  readonly #options: DecryptorOptions
  readonly #unknown: Troubles
  readonly #failing = new Troubles(60_000)

  constructor(options: DecryptorOptions) {
    this.#options = options
    this.#unknown = new Troubles(Math.max(options.unknownKeyMs, 60_000))
  }

  process(work: Work): MaybePromise<unknown> {
    const { envelope, context } = work
    let key: MaybePromise<ReceivedKey>
    try {
      key = this.#options.received.of(envelope, context.clock)
    } catch (error) {
      return this.#failed(error, work)
    }
    if (!(key instanceof Promise)) return this.#decrypt(key, work)
    return key.then(
      (late) => this.#decrypt(late, work),
      (error: unknown) => this.#failed(error, work),
    )
  }

  #failed(error: unknown, { envelope: { keyId }, context }: Work): Directive {
    tell(this.#options.onKeyFailure, { keyId, error })
    return waitFor(this.#failing.add(keyId, context.clock.monotonic()), context, error)
  }

  #unknownKey({ envelope: { keyId }, context }: Work): Directive {
    const { onKeyFailure, unknownKeyMs } = this.#options
    const error = new BrokerError('ERR_NOT_FOUND', `decryption: the key provider does not know the key '${keyId}'`, { destination: context.source })
    tell(onKeyFailure, { keyId, error })
    const elapsedMs = this.#unknown.add(keyId, context.clock.monotonic())
    return elapsedMs < unknownKeyMs ? waitFor(elapsedMs, context, error) : undecodable(context, 'the key of the message is not known', keyId)
  }

  #decrypt(key: ReceivedKey, work: Work): MaybePromise<unknown> {
    const { header, envelope, context, next } = work
    this.#failing.over(envelope.keyId)
    if (key === 'unknown') return this.#unknownKey(work)
    this.#unknown.over(envelope.keyId)
    const body = key === 'wrong' ? undefined : opened(key, header, envelope, context)
    if (body === undefined) return undecodable(context, reason)
    const { incoming } = context
    context.incoming = { ...incoming, body, bodyBytes: body.byteLength, headers: withoutHeader(incoming.headers, encryptionHeader) }
    return next()
  }
}

function opened(key: KeyObject, header: string, { nonce, headers }: Envelope, { incoming }: ProcessContext): Buffer | undefined {
  return open(incoming.body, key, Buffer.from(nonce, 'base64url'), additionalData(header, incoming, headers))
}
