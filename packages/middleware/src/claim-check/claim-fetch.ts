import { BrokerError, Directive, type Next, type ProcessContext, type ProcessMiddleware, type ProcessSettlement } from '@busbar/core'
import { checkedInteger, checkedNumber } from '@busbar/core/driver'
import { assertFunction, assertOptions } from '../support/assert-option.ts'
import { BoundedSet } from '../support/bounded-set.ts'
import { withoutHeader } from '../support/headers.ts'
import { Outages } from '../support/outages.ts'
import { tell } from '../support/tell.ts'
import { undecodable } from '../support/undecodable.ts'
import { within } from '../support/within.ts'
import { checkStore, type BodyStore } from './body-store.ts'
import { checkIn } from './check-in.ts'
import { claimHeader, digestOf, unpackReference, type Reference } from './reference.ts'

/** A call to the store that failed. */
export interface BodyStoreFailure {
  /** `get`: the message waits. `delete`: the body stays in the store. */
  readonly operation: 'get' | 'delete'
  readonly key: string
  readonly error: unknown
}

export interface ClaimFetchOptions {
  readonly store: BodyStore
  /** Largest body. Bytes, ≥ 1. A message that refers to a larger one is given up. Default 67,108,864 (64 MiB). */
  readonly maxBytes?: number
  /**
   * Delete the body when its message has been acked for good? Default: yes for messages sent to a queue and received from one, since nobody else needs it;
   * no for topics and streams. Never after a dead letter, which refers to it. `true` on a topic is right only if it has one subscription.
   */
  readonly deleteAfterAck?: boolean
  /** How long the store may take, in milliseconds, ≥ 1. Default 30,000. */
  readonly timeoutMs?: number
  /** Told about failed calls to the store, which change the outcome of no message. */
  readonly onStoreFailure?: (failure: BodyStoreFailure) => void
}

const known = ['store', 'maxBytes', 'deleteAfterAck', 'timeoutMs', 'onStoreFailure']
const reason = 'the body cannot be fetched'
/** Keys of deleted bodies that are remembered, for messages that come again because their ack was lost. */
const remembered = 10_000
/** Deletions under way. When a store hangs, further bodies are left to its rule for old ones. */
const mostDeletions = 1_000

/**
 * Fetches bodies that `claimCheck` has put into a store, and compares size and digest. Stands outside decryption and decompression.
 *
 * While the store fails or hangs, the message waits without using an attempt. A body that is not there is given up with `ERR_NOT_FOUND`, one that is not
 * what was sent with `ERR_UNDECODABLE`; so is a reference that nobody could have written. Every start of a handler fetches the body anew.
 *
 * A dead letter that its place refuses as too large is put into the store as well, and the reference in its place.
 *
 * Throws `RangeError` or `TypeError` for options out of bounds or unknown.
 */
export function claimFetch(options: ClaimFetchOptions): ProcessMiddleware {
  assertOptions('claimFetch', options, known)
  const { store, maxBytes = 67_108_864, deleteAfterAck, timeoutMs = 30_000, onStoreFailure } = options
  checkStore('claimFetch', store)
  checkedInteger('claimFetch: maxBytes', maxBytes, 1)
  checkedNumber('claimFetch: timeoutMs', timeoutMs, 1)
  if (deleteAfterAck !== undefined && typeof deleteAfterAck !== 'boolean') throw new TypeError('claimFetch: deleteAfterAck must be true or false')
  assertFunction('claimFetch: onStoreFailure', onStoreFailure)
  const fetcher = new Fetcher({ store, maxBytes, deleteAfterAck, timeoutMs, onStoreFailure })
  return {
    name: 'claimFetch',
    stage: 'claim-check',
    process(context, next) {
      const header = context.incoming.headers[claimHeader]
      return header === undefined ? next() : fetcher.process(header, context, next)
    },
    settled: (context, settlement) => fetcher.settled(context, settlement),
    // What cannot be made smaller by a reference has one already, or is small.
    shrink: (outgoing, { clock, source }) =>
      outgoing.headers[claimHeader] === undefined
        ? checkIn(outgoing, { store, timeoutMs, clock, signal: undefined, destination: source, single: true })
        : Promise.reject(new TypeError('claimFetch: the dead letter is a reference already')),
  }
}

interface FetcherOptions {
  readonly store: BodyStore
  readonly maxBytes: number
  readonly deleteAfterAck: boolean | undefined
  readonly timeoutMs: number
  readonly onStoreFailure: ClaimFetchOptions['onStoreFailure']
}

class Fetcher {
  readonly #options: FetcherOptions
  readonly #outages = new Outages()
  /** Of messages at hand whose bodies were found to be what was sent: only those are deleted. */
  readonly #fetched = new WeakMap<ProcessContext, Reference>()
  readonly #deleted = new BoundedSet(remembered)
  #deletions = 0

  constructor(options: FetcherOptions) {
    this.#options = options
  }

  process(header: string, context: ProcessContext, next: Next): unknown {
    const reference = unpackReference(header)
    if (reference === undefined) return undecodable(context, reason, 'the reference is not one of claimCheck')
    if (reference.size > this.#options.maxBytes)
      return undecodable(context, reason, `it has ${reference.size} bytes, and maxBytes is ${this.#options.maxBytes}`)
    // It was handled, and acked, and has come again all the same. A request would get an empty reply.
    if (this.#deleted.has(reference.key) && context.incoming.replyTo === undefined) return undefined
    return this.#fetch(reference, context, next)
  }

  async #fetch(reference: Reference, context: ProcessContext, next: Next): Promise<unknown> {
    const { incoming, clock, signal } = context
    const { store, timeoutMs } = this.#options
    const { key, size } = reference
    let body: Uint8Array | undefined
    try {
      body = await within({ clock, timeoutMs, what: 'the body store', signal }, (ended) => store.get(key, { maxBytes: size, signal: ended }))
      if (body !== undefined && !(body instanceof Uint8Array)) throw new TypeError('claimFetch: the store has given something that is not bytes')
    } catch (error) {
      if (context.aborted) return new Directive('retry', { error, counts: false })
      tell(this.#options.onStoreFailure, { operation: 'get', key, error })
      const what = new BrokerError('ERR_UNAVAILABLE', 'claimFetch: the store has not given the body', { destination: context.source, cause: error })
      return this.#outages.retry(incoming, context, what)
    }
    if (body === undefined) return undecodable(context, reason, 'it is not in the store', 'ERR_NOT_FOUND')
    if (body.byteLength !== size || (await clock.external(digestOf(body))) !== reference.digest)
      return undecodable(context, reason, 'what is in the store is not what was sent')
    this.#fetched.set(context, reference)
    context.incoming = { ...incoming, body, bodyBytes: size, headers: withoutHeader(incoming.headers, claimHeader) }
    return next()
  }

  settled(context: ProcessContext, { action, result }: ProcessSettlement): void {
    const reference = this.#fetched.get(context)
    if (reference === undefined || action !== 'ack' || (result !== 'durable' && result !== 'accepted')) return
    if (this.#options.deleteAfterAck ?? (reference.single && context.capabilities.kind === 'queue')) void this.#delete(reference.key, context)
  }

  async #delete(key: string, { clock }: ProcessContext): Promise<void> {
    const { store, timeoutMs, onStoreFailure } = this.#options
    this.#deleted.add(key)
    try {
      if (this.#deletions >= mostDeletions) throw new BrokerError('ERR_THROTTLED', `claimFetch: ${mostDeletions} deletions are under way already`)
      this.#deletions++
      try {
        await within({ clock, timeoutMs, what: 'the body store' }, (signal) => store.delete(key, { signal }))
      } finally {
        this.#deletions--
      }
    } catch (error) {
      tell(onStoreFailure, { operation: 'delete', key, error })
    }
  }
}
