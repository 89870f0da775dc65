import { BrokerError, type SendContext, type SendMiddleware, type SendReceipt } from '@busbar/core'
import { assertKnownKeys, checkedNumber, sleep, type Claim, type FencedStore } from '@busbar/core/driver'
import { fingerprint } from './fingerprint.ts'
import type { StoreFailure } from './idempotency.ts'
import { OwnerTokens } from './owner-tokens.ts'
import { readRecord, recordHead, writeRecord } from './record.ts'

export interface SendOnceOptions {
  /** Where keys are kept; shared by all processes that send to the same destination. */
  readonly store: FencedStore
  /** How long a sent key is remembered, in milliseconds, ≥ 1,000: at least as long as a send can be repeated. Default 86,400,000 (one day). */
  readonly ttlMs?: number
  /** What makes two sends the same. Default: the message's id, which has to come from `messageId` or the option `id`. */
  readonly key?: (context: SendContext) => string
  /** Prefix of all keys, so that destinations do not share them. Default: `send:<destination>`. */
  readonly scope?: string
  /** How long a process that dies while it sends keeps its key, in milliseconds, ≥ 1,000; longer than the sends take. Default 60,000. */
  readonly leaseMs?: number
  /** Told about store failures that could not change the outcome of a send. Must not throw. */
  readonly onStoreFailure?: (failure: StoreFailure) => void
}

const known = ['store', 'ttlMs', 'key', 'scope', 'leaseMs', 'onStoreFailure']
/** Wait before a key that another send has claimed is looked at again. */
const longestPauseMs = 200

/**
 * Sends each message once: a second send of the same key within `ttlMs` answers with the receipt of the first. Stands outside compression and encryption.
 *
 * While a first send of the key is under way, the second waits for it, and sends itself if that fails. A send that fails, also with `ERR_UNCONFIRMED`, forgets its
 * key, so that it can be repeated: a message is rather sent twice than lost. The same key with another body rejects with `ERR_CONFLICT`.
 * While the store cannot be reached, sends reject with what it says.
 *
 * Throws `RangeError` or `TypeError` for options out of bounds or unknown.
 */
export function sendOnce(options: SendOnceOptions): SendMiddleware {
  assertKnownKeys('sendOnce', options, known)
  const { store, ttlMs = 86_400_000, leaseMs = 60_000, key: keyOf = idOf, scope, onStoreFailure = () => {} } = options
  if (typeof store?.claim !== 'function') throw new TypeError('sendOnce: store must be a FencedStore')
  checkedNumber('sendOnce: ttlMs', ttlMs, 1_000)
  checkedNumber('sendOnce: leaseMs', leaseMs, 1_000)
  const owners = new OwnerTokens()

  async function claim(context: SendContext, key: string): Promise<Claim | SendReceipt> {
    const owner = owners.next(context.random)
    for (;;) {
      const result = await store.claim({ key, owner, leaseMs })
      if (result.state === 'claimed') return { key, owner, fence: result.fence }
      if (result.state === 'done') return receiptOf(result.value, key, context)
      await sleep(context.clock, Math.min(longestPauseMs, Math.max(1, result.expiresInMs)), context.signal)
    }
  }

  return {
    name: 'sendOnce',
    stage: 'idempotency',
    async send(context, next) {
      const claimed = await claim(context, `${scope ?? `send:${context.destination}`}:${keyOf(context)}`)
      if (!('fence' in claimed)) return claimed
      const { key } = claimed
      const head = recordHead(fingerprint(context.outgoing.body))
      let receipt: SendReceipt
      try {
        receipt = await next()
      } catch (error) {
        // The send has failed, and says so; a claim that stays behind expires by itself.
        await attempt(
          () => store.release(claimed),
          (cause) => onStoreFailure({ operation: 'release', key, error: cause }),
        )
        throw error
      }
      // The message has been sent: that stands, whatever the store says.
      await attempt(
        () => store.complete(claimed, writeRecord(head, receipt), ttlMs),
        (cause) => onStoreFailure({ operation: 'complete', key, error: cause }),
      )
      return receipt
    },
  }
}

async function attempt(call: () => unknown, onFailure: (error: unknown) => void): Promise<void> {
  try {
    await call()
  } catch (error) {
    onFailure(error)
  }
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
