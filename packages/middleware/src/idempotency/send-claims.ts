import { BrokerError, type SendContext } from '@busbar/core'
import { jittered, sleep, type Claim, type ClaimResult, type Clock } from '@busbar/core/driver'
import type { CheckedStore } from './checked-store.ts'
import type { StoreFailure } from './idempotency.ts'
import { isRefusal, Outage } from './outage.ts'
import { OwnerTokens } from './owner-tokens.ts'
import { toldAgain } from './told-again.ts'

export interface SendClaimsOptions {
  readonly store: CheckedStore
  readonly ttlMs: number
  readonly leaseMs: number
  readonly whileUnavailable: 'fail' | 'wait' | 'go-on'
  readonly onStoreFailure: (failure: StoreFailure) => void
}

/** The key has been sent; what was kept of that. */
export interface Sent {
  readonly value: string
}

/** Wait before a key that another send has claimed is looked at again, in milliseconds. */
const longestPauseMs = 200
/** Wait before a store that failed is asked again, at least. */
const shortestPauseMs = 100

/** Claims keys for sends, one after the other where several ask for one. */
export class SendClaims {
  readonly #options: SendClaimsOptions
  readonly #owners = new OwnerTokens()
  readonly #outage = new Outage()
  /** By key: when the last send that is under way, and with it all before it, will have ended. */
  readonly #lines = new Map<string, Promise<void>>()
  /** Sends that went out without a claim. */
  unprotected = 0

  constructor(options: SendClaimsOptions) {
    this.#options = options
  }

  /**
   * Runs the sends of a key one after the other, in the order in which they came. In that order they leave their producer, too: one that had claimed the key before an
   * earlier one would wait for that to be sent, and that for the key. One that hangs is waited for no longer than its claim lasts.
   */
  async inTurn<T>(key: string, { clock, signal }: SendContext, act: () => Promise<T>): Promise<T> {
    const before = this.#lines.get(key)
    const { promise, resolve: end } = Promise.withResolvers<void>()
    this.#lines.set(key, promise)
    try {
      if (before !== undefined) await endedWithin(clock, before, this.#options.leaseMs)
      signal?.throwIfAborted()
      return await act()
    } finally {
      if (this.#lines.get(key) === promise) this.#lines.delete(key)
      end()
    }
  }

  /** `undefined`: go on without a claim. Rejects with what the store says, or with the reason of the context's signal. */
  async claim(key: string, { clock, random, signal }: SendContext): Promise<Claim | Sent | undefined> {
    const { whileUnavailable, leaseMs, onStoreFailure } = this.#options
    const giveUpAtMs = clock.monotonic() + leaseMs
    for (;;) {
      const owner = this.#owners.forKey(key, random)
      const result = await this.#ask(key, owner, clock)
      if (result.state === 'claimed') return { key, owner, fence: result.fence }
      if (result.state === 'done') return result
      let pauseMs: number
      if (result.state === 'busy') pauseMs = Math.min(longestPauseMs, Math.max(1, result.expiresInMs))
      else {
        this.#owners.keep(key, owner)
        if (whileUnavailable === 'go-on') {
          this.unprotected++
          onStoreFailure({ operation: 'claim', key, error: result.error })
          return undefined
        }
        const now = clock.monotonic()
        pauseMs = jittered(2 * Math.max(shortestPauseMs, this.#outage.leftMs(now)), random)
        if (whileUnavailable === 'fail' || isRefusal(result.error) || now + pauseMs > giveUpAtMs) throw result.error
      }
      await sleep(clock, pauseMs, signal)
    }
  }

  /** The message has been sent: that stands, whatever the store says. But until it knows, the key is in the way of who sends it again, and then is sent again. */
  complete(claim: Claim, record: string, context: SendContext): Promise<void> {
    const { store, ttlMs } = this.#options
    return this.#end('complete', claim, context, async () => {
      if ((await store.complete(claim, record, ttlMs, context.clock)) === 'lost')
        throw new BrokerError('ERR_TOO_LATE', 'The claim was lost while the message was sent.')
    })
  }

  /** The send has failed, and says so. A claim that stays behind expires by itself. */
  release(claim: Claim, context: SendContext): Promise<void> {
    return this.#end('release', claim, context, async () => void (await this.#options.store.release(claim, context.clock)))
  }

  async #end(operation: StoreFailure['operation'], { key }: Claim, context: SendContext, call: () => Promise<void>): Promise<void> {
    try {
      await call().catch((failure: unknown) => toldAgain(failure, call, context))
    } catch (error) {
      this.#options.onStoreFailure({ operation, key, error })
    }
  }

  async #ask(key: string, owner: string, clock: Clock): Promise<ClaimResult | { readonly state: 'failed'; readonly error: unknown }> {
    const { store, leaseMs, whileUnavailable, onStoreFailure } = this.#options
    if (this.#outage.leftMs(clock.monotonic()) > 0) return { state: 'failed', error: this.#outage.error }
    try {
      const result = await store.claim({ key, owner, leaseMs }, clock)
      this.#outage.ends()
      return result
    } catch (error) {
      this.#outage.begins(error, clock.monotonic())
      if (whileUnavailable !== 'go-on') onStoreFailure({ operation: 'claim', key, error })
      return { state: 'failed', error }
    }
  }
}

async function endedWithin(clock: Clock, work: Promise<void>, ms: number): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = clock.timer(clock.monotonic() + ms, () => late.resolve())
  await Promise.race([work, late.promise])
  timer.cancel()
}
