import { BrokerError, type SendContext, type SendMiddleware, type SendReceipt } from '@busbar/core'
import { checkedNumber, longestClaimMs, type FencedStore } from '@busbar/core/driver'
import { assertFunction, assertOptions, assertText } from '../support/assert-option.ts'
import { tell } from '../support/tell.ts'
import { assertStore } from './assert-store.ts'
import { CheckedStore } from './checked-store.ts'
import { fingerprint } from './fingerprint.ts'
import type { StoreFailure } from './idempotency.ts'
import { readRecord, recordHead, writeRecord } from './record.ts'
import { SendClaims } from './send-claims.ts'
import { textKey } from './text-key.ts'

export interface SendOnceOptions {
  /** Where keys are kept; shared by all processes that send to the same destination. */
  readonly store: FencedStore
  /** How long a sent key is remembered, in milliseconds, 1,000 to 3,153,600,000,000 (a hundred years): at least as long as a send can be repeated. Default 86,400,000 (one day). */
  readonly ttlMs?: number
  /**
   * What makes two sends the same: a text that is not empty, at once; with anything else the send rejects with `ERR_INVALID`.
   * Default: the message's id, which has to come from `messageId` or the option `id`.
   */
  readonly key?: (context: SendContext) => string
  /** Prefix of all keys, so that destinations do not share them. Default: `send:<destination>`. */
  readonly scope?: string
  /** How long a process that dies while it sends keeps its key, in milliseconds, 1,000 to 3,153,600,000,000; longer than the sends take. Default 60,000. */
  readonly leaseMs?: number
  /** How long an answer of the store is waited for, in milliseconds, ≥ 100. Default 10,000. What takes longer has failed, with `ERR_TIMEOUT`. */
  readonly timeoutMs?: number
  /**
   * What to do with a send that cannot claim its key because the store fails: it throws, gives no answer in time, or answers what no store may answer.
   * `fail` (default): it rejects with the store's error, unsent.
   * `wait`: it asks again, with growing waits of up to 5 s, for `leaseMs` at most, of which a last answer may take `timeoutMs` longer; then it rejects as with `fail`. The deadline and the signal of the send end it sooner.
   * `go-on`: it is sent without protection, so a repeated send is sent again. It is counted (`unprotected`), and `onStoreFailure` is told of each one and
   * required.
   */
  readonly whileUnavailable?: 'fail' | 'wait' | 'go-on'
  /** Told about every call to the store that failed, for logs and alerts. What it throws is ignored. */
  readonly onStoreFailure?: (failure: StoreFailure) => void
}

/** The middleware, with what it counts. */
export interface SendOnceMiddleware extends SendMiddleware {
  /** Messages sent without protection so far; see `whileUnavailable`. */
  readonly unprotected: number
}

const known = ['store', 'ttlMs', 'key', 'scope', 'leaseMs', 'timeoutMs', 'whileUnavailable', 'onStoreFailure']
const whileUnavailableChoices: readonly unknown[] = ['fail', 'wait', 'go-on']

/**
 * Sends each message once: a second send of the same key within `ttlMs` answers with the receipt of the first. Stands outside compression and encryption.
 *
 * While a first send of the key is under way, the second waits for it, and sends itself if that fails. A send that fails, also with `ERR_UNCONFIRMED`, forgets its
 * key, so that it can be repeated: a message is rather sent twice than lost. The same key with another body rejects with `ERR_CONFLICT`.
 * While the store cannot be reached, sends reject with what it says, unless `whileUnavailable` says otherwise.
 *
 * Throws `RangeError` or `TypeError` for options out of bounds or unknown.
 */
export function sendOnce(options: SendOnceOptions): SendOnceMiddleware {
  checkOptions(options)
  const { ttlMs = 86_400_000, leaseMs = 60_000, key: keyOf = idOf, scope, whileUnavailable = 'fail', timeoutMs = 10_000 } = options
  const onStoreFailure = (failure: StoreFailure): void => tell(options.onStoreFailure, failure)
  const store = new CheckedStore(options.store, timeoutMs)
  const claims = new SendClaims({ store, ttlMs, leaseMs, whileUnavailable, onStoreFailure })

  async function claimedSend(key: string, context: SendContext, next: () => Promise<SendReceipt>): Promise<SendReceipt> {
    const claimed = await claims.claim(key, context)
    if (claimed === undefined) return next()
    if ('value' in claimed) return receiptOf(claimed.value, key, context)
    const head = recordHead(fingerprint(context.outgoing.body))
    let receipt: SendReceipt
    try {
      receipt = await next()
    } catch (error) {
      await claims.release(claimed, context)
      throw error
    }
    await claims.complete(claimed, writeRecord(head, receipt), context)
    return receipt
  }

  return {
    name: 'sendOnce',
    stage: 'idempotency',
    async send(context, next) {
      const key = `${scope ?? `send:${context.destination}`}:${identityOf(context, keyOf)}`
      return claims.inTurn(key, context, async () => claimedSend(key, context, next))
    },
    get unprotected() {
      return claims.unprotected
    },
  }
}

function checkOptions(options: SendOnceOptions): void {
  assertOptions('sendOnce', options, known)
  const { store, ttlMs = 86_400_000, leaseMs = 60_000, key, scope, timeoutMs = 10_000, whileUnavailable = 'fail', onStoreFailure } = options
  assertStore('sendOnce', store)
  checkedNumber('sendOnce: ttlMs', ttlMs, 1_000, longestClaimMs)
  checkedNumber('sendOnce: leaseMs', leaseMs, 1_000, longestClaimMs)
  checkedNumber('sendOnce: timeoutMs', timeoutMs, 100)
  assertFunction('sendOnce: key', key)
  assertText('sendOnce: scope', scope)
  assertFunction('sendOnce: onStoreFailure', onStoreFailure)
  if (!whileUnavailableChoices.includes(whileUnavailable))
    throw new TypeError(`sendOnce: whileUnavailable must be 'fail', 'wait' or 'go-on', not '${whileUnavailable}'`)
  if (whileUnavailable === 'go-on' && onStoreFailure === undefined)
    throw new TypeError("sendOnce: whileUnavailable 'go-on' needs onStoreFailure, which tells that messages are sent without protection")
}

function identityOf(context: SendContext, keyOf: (context: SendContext) => string): string {
  const { destination, outgoing } = context
  const identity = textKey('sendOnce', keyOf(context), destination)
  if (identity !== '') return identity
  throw new BrokerError('ERR_INVALID', 'sendOnce: key must not return an empty text', { destination, messageId: outgoing.id })
}

function idOf({ outgoing }: SendContext): string {
  return outgoing.id
}

function receiptOf(record: string, key: string, context: SendContext): SendReceipt {
  const { head, reply } = readRecord(record)
  if (head !== undefined && head !== recordHead(fingerprint(context.outgoing.body))) {
    const { destination, outgoing } = context
    throw new BrokerError('ERR_CONFLICT', `sendOnce: a message with the key '${key}' and a different body was sent before`, {
      destination,
      messageId: outgoing.id,
    })
  }
  return (reply as SendReceipt | undefined) ?? { id: context.outgoing.id }
}
