import { BrokerError, type SendContext, type SendMiddleware, type SendReceipt } from '@busbar/core'
import { assertKnownKeys, checkedInteger, checkedNumber } from '@busbar/core/driver'
import { withHeader } from '../support/headers.ts'
import { unpredictable } from '../support/unpredictable.ts'
import { within } from '../support/within.ts'
import { checkStore, type BodyStore } from './body-store.ts'
import { claimBody, claimHeader, digestOf, keyFor, packReference } from './reference.ts'

export interface ClaimCheckOptions {
  readonly store: BodyStore
  /** Smaller bodies are sent as they are, as far as the backend takes them. Bytes, ≥ 1. Default 131,072 (128 KiB). */
  readonly minBytes?: number
  /** Largest body. Bytes, ≥ 1. A larger one is refused with `ERR_TOO_LARGE`. Default 67,108,864 (64 MiB). */
  readonly maxBytes?: number
  /** How long the store may take, in milliseconds, ≥ 1. Default 30,000. */
  readonly timeoutMs?: number
}

const known = ['store', 'minBytes', 'maxBytes', 'timeoutMs']
/** Kept free for headers and metadata, of what a backend takes. */
const reserveBytes = 16_384
const nameBytes = 16

/**
 * Puts large bodies into a store and sends a reference in their place, in the header `busbar-claim`. Consumers need `claimFetch`.
 * A body is large from `minBytes` on, and earlier where the backend would not take it. Stands innermost in the send chain, inside compression and encryption.
 *
 * A send fails with `ERR_UNAVAILABLE` when the store cannot take the body; nothing is sent then. When the store has it and the send fails, the body stays there:
 * the message may have been stored after all. A rule of the store cleans up what is older than any message can be.
 *
 * Throws `RangeError` or `TypeError` for options out of bounds or unknown.
 */
export function claimCheck(options: ClaimCheckOptions): SendMiddleware {
  assertKnownKeys('claimCheck', options, known)
  const { store, minBytes = 131_072, maxBytes = 67_108_864, timeoutMs = 30_000 } = options
  checkStore('claimCheck', store)
  checkedInteger('claimCheck: minBytes', minBytes, 1)
  checkedInteger('claimCheck: maxBytes', maxBytes, 1)
  checkedNumber('claimCheck: timeoutMs', timeoutMs, 1)

  async function checkIn(context: SendContext, next: () => Promise<SendReceipt>): Promise<SendReceipt> {
    const { outgoing, destination, capabilities, clock, signal } = context
    const details = { destination, messageId: outgoing.id }
    if (outgoing.bodyBytes > maxBytes)
      throw new BrokerError('ERR_TOO_LARGE', `claimCheck: the body has ${outgoing.bodyBytes} bytes, and maxBytes is ${maxBytes}`, details)
    const body = typeof outgoing.body === 'string' ? Buffer.from(outgoing.body) : outgoing.body
    const key = keyFor(clock.now(), unpredictable(nameBytes))
    const digest = await clock.external(digestOf(body))
    try {
      await within({ clock, timeoutMs, what: 'the body store', signal }, (ended) => store.put(key, body, { signal: ended }))
    } catch (error) {
      if (signal?.aborted) throw error
      throw new BrokerError('ERR_UNAVAILABLE', `claimCheck: the store has not taken the body, and nothing was sent to ${destination}`, {
        ...details,
        cause: error,
      })
    }
    const reference = packReference({ key, size: body.byteLength, digest, single: capabilities.kind === 'queue' })
    const headers = withHeader(outgoing.headers, claimHeader, reference)
    context.outgoing = { ...outgoing, body: claimBody, bodyBytes: claimBody.length, headers }
    return next()
  }

  return {
    name: 'claimCheck',
    stage: 'claim-check',
    send(context, next) {
      const { bodyBytes } = context.outgoing
      const { maxMessageBytes } = context.capabilities
      return bodyBytes < minBytes && bodyBytes + Math.min(reserveBytes, maxMessageBytes / 4) <= maxMessageBytes ? next() : checkIn(context, next)
    },
  }
}
