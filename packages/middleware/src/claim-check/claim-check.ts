import { BrokerError, type SendContext, type SendMiddleware, type SendReceipt } from '@busbar/core'
import { checkedInteger, checkedNumber } from '@busbar/core/driver'
import { assertOptions } from '../support/assert-option.ts'
import { checkStore, type BodyStore } from './body-store.ts'
import { checkIn } from './check-in.ts'
import { claimHeader } from './reference.ts'

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
  assertOptions('claimCheck', options, known)
  const { store, minBytes = 131_072, maxBytes = 67_108_864, timeoutMs = 30_000 } = options
  checkStore('claimCheck', store)
  checkedInteger('claimCheck: minBytes', minBytes, 1)
  checkedInteger('claimCheck: maxBytes', maxBytes, 1)
  checkedNumber('claimCheck: timeoutMs', timeoutMs, 1)

  async function checkedIn(context: SendContext, next: () => Promise<SendReceipt>): Promise<SendReceipt> {
    const { outgoing, destination, capabilities, clock, signal } = context
    if (outgoing.bodyBytes > maxBytes)
      throw new BrokerError('ERR_TOO_LARGE', `claimCheck: the body has ${outgoing.bodyBytes} bytes, and maxBytes is ${maxBytes}`, {
        destination,
        messageId: outgoing.id,
      })
    context.outgoing = await checkIn(outgoing, { store, timeoutMs, clock, signal, destination, single: capabilities.kind === 'queue' })
    return next()
  }

  return {
    name: 'claimCheck',
    stage: 'claim-check',
    send(context, next) {
      const { bodyBytes, headers } = context.outgoing
      const { maxMessageBytes } = context.capabilities
      const small = bodyBytes < minBytes && bodyBytes + Math.min(reserveBytes, maxMessageBytes / 4) <= maxMessageBytes
      return small || headers[claimHeader] !== undefined ? next() : checkedIn(context, next)
    },
  }
}
