import { BrokerError, type Clock, type SendContext } from '@busbar/core'
import { withHeader } from '../support/headers.ts'
import { unpredictable } from '../support/unpredictable.ts'
import { within } from '../support/within.ts'
import type { BodyStore } from './body-store.ts'
import { claimBody, claimHeader, digestOf, keyFor, packReference } from './reference.ts'

type Outgoing = SendContext['outgoing']

export interface CheckInOptions {
  readonly store: BodyStore
  readonly timeoutMs: number
  readonly clock: Clock
  readonly signal: AbortSignal | undefined
  readonly destination: string
  /** Will one consumer handle it, and nobody need the body afterwards? */
  readonly single: boolean
}

const nameBytes = 16

/** Puts the body into the store; what is returned refers to it. Throws `ERR_UNAVAILABLE` if the store does not take it, and the signal's reason when that fires. */
export async function checkIn(outgoing: Outgoing, { store, timeoutMs, clock, signal, destination, single }: CheckInOptions): Promise<Outgoing> {
  const body = typeof outgoing.body === 'string' ? Buffer.from(outgoing.body) : outgoing.body
  const key = keyFor(clock.now(), unpredictable(nameBytes))
  const digest = await clock.external(digestOf(body))
  try {
    await within({ clock, timeoutMs, what: 'the body store', signal }, (ended) => store.put(key, body, { signal: ended }))
  } catch (error) {
    if (signal?.aborted) throw error
    throw new BrokerError('ERR_UNAVAILABLE', `claimCheck: the store has not taken the body, and nothing was sent to ${destination}`, {
      destination,
      messageId: outgoing.id,
      cause: error,
    })
  }
  const reference = packReference({ key, size: body.byteLength, digest, single })
  return { ...outgoing, body: claimBody, bodyBytes: claimBody.length, headers: withHeader(outgoing.headers, claimHeader, reference) }
}
