import { BrokerError, Directive, type Message, type ProcessContext, type ProcessMiddleware } from '@busbar/core'
import { checkedNumber, longestClaimMs, type FencedStore } from '@busbar/core/driver'
import { assertFunction, assertOptions, assertText } from '../support/assert-option.ts'
import { tell } from '../support/tell.ts'
import { assertStore } from './assert-store.ts'
import { CheckedStore } from './checked-store.ts'
import { Claims } from './claims.ts'
import { textKey } from './text-key.ts'

/** A call to the store that failed. */
export interface StoreFailure {
  /**
   * `claim`: the message waits, fails, or is handled without protection, as `whileUnavailable` says.
   * `complete`: the message was handled, but a later copy of it will be handled again; or the store answers its completion with what no store may answer, and the
   * message is not acked while that is tried again. Told once per message. `release`: later copies, and the message itself where it is tried again, wait until the claim expires.
   */
  readonly operation: 'claim' | 'complete' | 'release' | 'renew'
  readonly key: string
  readonly error: unknown
}

export interface IdempotencyOptions {
  /** Where claims are kept; shared by all processes that consume the same source. */
  readonly store: FencedStore
  /** How long a handled message is remembered, in milliseconds, 1,000 to 3,153,600,000,000 (a hundred years): at least as long as copies of it can turn up. Default 86,400,000 (one day). */
  readonly ttlMs?: number
  /**
   * What makes two messages the same: a text, at once. With anything else, such as a promise, the attempt fails with `ERR_INVALID`.
   * Default: `message.id`, if the sender gave one. A message without, and one with an empty key, is given up to its dead-letter place.
   */
  readonly key?: (message: Message) => string
  /** Prefix of all keys, so that sources do not share claims. Default: the source (`orders`, `order-placed.billing`). */
  readonly scope?: string
  /**
   * How long a claim outlives its process, in milliseconds, 20,000 to 3,153,600,000,000: it is renewed at least every 10,000. Default 30,000.
   * Shortened to the broker's lease of a message, so that a redelivery does not wait long for the claim of a dead process.
   */
  readonly leaseMs?: number
  /** What to do with a different body under a handled key. `dead-letter` (default): `ERR_CONFLICT`. `ignore`: treat it as a copy; bodies are not compared. */
  readonly onMismatch?: 'dead-letter' | 'ignore'
  /** How long an answer of the store is waited for, in milliseconds, ≥ 100. Default 10,000. What takes longer has failed, with `ERR_TIMEOUT`. */
  readonly timeoutMs?: number
  /**
   * What to do with a message that cannot be claimed because the store fails: it throws, gives no answer in time, or answers what no store may answer.
   * `wait` (default): it is given back or held, unhandled and without an attempt, with waits of up to 5 s, until the store answers. What has been handled
   * is not acked before that is remembered. A claim that the store refuses for good, as with `ERR_CONFLICT` or `ERR_INVALID`, fails the attempt as with `fail`: the
   * store can be used, and waiting would block the message for ever.
   * `fail`: the attempt fails with the store's error, and the retry policy decides.
   * `go-on`: it is handled without protection, so a copy of it is handled again. It is counted (`unprotected`), and `onStoreFailure` is told of each one and required.
   */
  readonly whileUnavailable?: 'wait' | 'fail' | 'go-on'
  /** Told about every call to the store that failed, for logs and alerts. What it throws is ignored. */
  readonly onStoreFailure?: (failure: StoreFailure) => void
}

/** The middleware, with what it counts. */
export interface IdempotencyMiddleware extends ProcessMiddleware {
  /** Messages handled without protection so far; see `whileUnavailable`. */
  readonly unprotected: number
}

const known = ['store', 'ttlMs', 'key', 'scope', 'leaseMs', 'onMismatch', 'timeoutMs', 'whileUnavailable', 'onStoreFailure']
const whileUnavailableChoices: readonly unknown[] = ['wait', 'fail', 'go-on']

/**
 * Handles each message once: claims its key, runs the rest of the chain, and remembers the key when that succeeds.
 * Stands outside retry, and inside what decrypts and decompresses.
 *
 * Only success is remembered. A retry, a dead letter, a settle call other than `ack` and an error release the claim, so that a redelivered or redriven message runs.
 * A copy of a handled message is acked unhandled; if it asks for a reply, the stored one is sent again.
 * A copy of a message that is being handled elsewhere waits, using no attempt. So does a message whose claim cannot be made because the store fails, unless
 * `whileUnavailable` says otherwise.
 *
 * Bodies are compared as they came, after decryption and decompression, by a 64-bit fingerprint: copies must be encoded alike.
 *
 * Throws `RangeError` or `TypeError` for options out of bounds or unknown.
 */
export function idempotency(options: IdempotencyOptions): IdempotencyMiddleware {
  checkOptions(options)
  const { ttlMs = 86_400_000, key, scope, leaseMs = 30_000, onMismatch = 'dead-letter', timeoutMs = 10_000 } = options
  const { whileUnavailable = 'wait' } = options
  const onStoreFailure = (failure: StoreFailure): void => tell(options.onStoreFailure, failure)
  const store = new CheckedStore(options.store, timeoutMs)
  const claims = new Claims({ store, ttlMs, leaseMs, comparesBodies: onMismatch === 'dead-letter', whileUnavailable, onStoreFailure })
  return {
    name: 'idempotency',
    stage: 'idempotency',
    process(context, next) {
      const identity = identityOf(context, key)
      if (identity === undefined) {
        const error = new BrokerError('ERR_INVALID', 'idempotency: the message has no id; give the middleware a key: (message) => …', {
          destination: context.source,
        })
        return new Directive('dead-letter', { reason: 'no id to tell copies by', error })
      }
      return claims.run(`${scope ?? context.source}:${identity}`, context, next)
    },
    renew: (contexts) => claims.renew(contexts),
    get unprotected() {
      return claims.unprotected
    },
  }
}

function checkOptions(options: IdempotencyOptions): void {
  assertOptions('idempotency', options, known)
  const { store, ttlMs = 86_400_000, key, scope, leaseMs = 30_000, onMismatch = 'dead-letter', timeoutMs = 10_000 } = options
  const { whileUnavailable = 'wait', onStoreFailure } = options
  assertStore('idempotency', store)
  checkedNumber('idempotency: ttlMs', ttlMs, 1_000, longestClaimMs)
  checkedNumber('idempotency: leaseMs', leaseMs, 20_000, longestClaimMs)
  checkedNumber('idempotency: timeoutMs', timeoutMs, 100)
  assertFunction('idempotency: key', key)
  assertText('idempotency: scope', scope)
  assertFunction('idempotency: onStoreFailure', onStoreFailure)
  if (onMismatch !== 'dead-letter' && onMismatch !== 'ignore')
    throw new TypeError(`idempotency: onMismatch must be 'dead-letter' or 'ignore', not '${String(onMismatch)}'`)
  if (!whileUnavailableChoices.includes(whileUnavailable))
    throw new TypeError(`idempotency: whileUnavailable must be 'wait', 'fail' or 'go-on', not '${whileUnavailable}'`)
  if (whileUnavailable === 'go-on' && onStoreFailure === undefined)
    throw new TypeError("idempotency: whileUnavailable 'go-on' needs onStoreFailure, which is told of every message that is handled without protection")
}

function identityOf(context: ProcessContext, key: IdempotencyOptions['key']): string | undefined {
  // `message.id` is made up where the sender gave none; it would differ for every copy.
  const identity = key === undefined ? context.incoming.id : textKey('idempotency', key(context.message), context.source)
  return identity === '' ? undefined : identity
}
