import { BrokerError, type SendContext, type SendMiddleware } from '@busbar/core'
import { checkedInteger, checkedNumber } from '@busbar/core/driver'
import { assertOptions } from '../support/assert-option.ts'
import { withHeader } from '../support/headers.ts'
import { checkedNames } from './checked-names.ts'
import { DataKeys, type DataKey } from './data-keys.ts'
import { encryptionHeader, packEnvelope } from './envelope.ts'
import { checkProvider, type KeyProvider } from './keys.ts'
import { Nonces } from './nonces.ts'
import { additionalData, seal } from './seal.ts'

export interface EncryptionOptions {
  readonly keys: KeyProvider
  /**
   * Names of user headers that are authenticated with the body, present or not: nobody can change, add or remove them, or put them on another message.
   * An empty one counts as absent. They are not encrypted. At most 16. Default: none.
   */
  readonly headers?: readonly string[]
  /** A data key encrypts at most so many messages. 1 to 4,294,967 (2³² / 1,000). Default 1,000,000. */
  readonly maxMessagesPerKey?: number
  /** And for at most so long, in milliseconds, ≥ 1: how late a new current key is noticed. Default 300,000. */
  readonly maxKeyAgeMs?: number
  /** How long the key provider may take, in milliseconds, ≥ 1. Default 10,000. */
  readonly timeoutMs?: number
}

const known = ['keys', 'headers', 'maxMessagesPerKey', 'maxKeyAgeMs', 'timeoutMs']
/** What a driver that packs a field into the metadata header gives back of it. */
const longestField = 256

/**
 * Encrypts bodies with AES-256-GCM. Id, type, ordering key, content type, content encoding and the headers named are authenticated with the body, so that none of
 * it can be changed or put on another message. Consumers need {@link decryption}. Stands inside compression and outside the claim check.
 *
 * Each process makes data keys of its own, encrypts them with the provider's current key, and sends them along. With random nonces of 96 bits, a million
 * messages per data key leave a chance of 10⁻¹⁷ that two ever meet.
 *
 * A send fails with `ERR_UNAVAILABLE` when the provider has no key to give. Throws `RangeError` or `TypeError` for options out of bounds or unknown.
 */
export function encryption(options: EncryptionOptions): SendMiddleware {
  assertOptions('encryption', options, known)
  const { keys, maxMessagesPerKey = 1_000_000, maxKeyAgeMs = 300_000, timeoutMs = 10_000 } = options
  checkProvider('encryption', keys)
  const names = checkedNames('encryption', options.headers)
  checkedInteger('encryption: maxMessagesPerKey', maxMessagesPerKey, 1, 4_294_967)
  checkedNumber('encryption: maxKeyAgeMs', maxKeyAgeMs, 1)
  checkedNumber('encryption: timeoutMs', timeoutMs, 1)
  const nonces = new Nonces()
  const dataKeys = new DataKeys({ keys, maxMessages: maxMessagesPerKey, maxAgeMs: maxKeyAgeMs, timeoutMs })

  function encrypt(context: SendContext, dataKey: DataKey): void {
    const { outgoing, destination } = context
    for (const field of ['type', 'contentType'] as const)
      if ((outgoing[field]?.length ?? 0) > longestField)
        throw new BrokerError('ERR_INVALID', `encryption: a ${field} of more than ${longestField} characters may not arrive, and is to be authenticated`, {
          destination,
        })
    if (outgoing.headers[encryptionHeader] !== undefined)
      throw new BrokerError('ERR_CONFIGURATION', 'encryption: the message is encrypted already; a chain has one encryption', { destination })
    const nonce = nonces.next()
    const header = packEnvelope({ keyId: dataKey.keyId, wrapped: dataKey.wrapped, nonce: nonce.toString('base64url'), headers: names })
    const body = seal(outgoing.body, dataKey.secret, nonce, additionalData(header, outgoing, names))
    context.outgoing = { ...outgoing, body, bodyBytes: body.byteLength, headers: withHeader(outgoing.headers, encryptionHeader, header) }
  }

  return {
    name: 'encryption',
    stage: 'encryption',
    send(context, next) {
      const dataKey = dataKeys.next(context.clock)
      if (dataKey instanceof Promise)
        return dataKey.then((late) => {
          encrypt(context, late)
          return next()
        })
      encrypt(context, dataKey)
      return next()
    },
  }
}
