import { BrokerError, Directive, isBrokerError, type Next, type ProcessContext } from '@busbar/core'
import { sleep, type Claim, type ClaimResult, type MaybePromise } from '@busbar/core/driver'
import { ImpossibleAnswer, type CheckedStore } from './checked-store.ts'
import { fingerprint } from './fingerprint.ts'
import type { StoreFailure } from './idempotency.ts'
import { isRefusal, Outage } from './outage.ts'
import { OwnerTokens } from './owner-tokens.ts'
import { readRecord, recordHead, writeRecord } from './record.ts'
import { toldAgain } from './told-again.ts'

export interface ClaimsOptions {
  readonly store: CheckedStore
  readonly ttlMs: number
  readonly leaseMs: number
  readonly comparesBodies: boolean
  readonly whileUnavailable: 'wait' | 'fail' | 'go-on'
  readonly onStoreFailure: (failure: StoreFailure) => void
}

/** Wait before the completion of a handled message is tried again, in milliseconds: less than others wait before they ask for its key. */
const completeAgainMs = 200
/** Longest wait before a message whose key is claimed elsewhere is looked at again. */
const longestBusyMs = 1_000

/** Claims keys around the handling of messages. Synchronous throughout where store and handler are. */
export class Claims {
  readonly #options: ClaimsOptions
  readonly #owners = new OwnerTokens()
  /** Only what cannot end in the turn in which it began needs renewal. */
  readonly #running = new Map<ProcessContext, Claim>()
  readonly #outage = new Outage()
  /** Messages handled without a claim. */
  unprotected = 0

  constructor(options: ClaimsOptions) {
    this.#options = options
  }

  run(key: string, context: ProcessContext, next: Next): MaybePromise<unknown> {
    if (this.#outage.lasts && this.#outage.leftMs(context.clock.monotonic()) > 0) return this.#unclaimed(key, context, next, this.#outage.error)
    const owner = this.#owners.forKey(key, context.random)
    let result: MaybePromise<ClaimResult>
    try {
      result = this.#options.store.claim({ key, owner, leaseMs: this.#leaseMs(context) }, context.clock)
    } catch (error) {
      return this.#claimFailed(key, owner, context, next, error)
    }
    if (!(result instanceof Promise)) return this.#claimed(result, key, owner, context, next)
    return result.then(
      (late) => this.#claimed(late, key, owner, context, next),
      (error: unknown) => this.#claimFailed(key, owner, context, next, error),
    )
  }

  /** Renews what still runs of `contexts`, in one call. A claim that is lost is found out when it is completed. */
  async renew(contexts: readonly ProcessContext[]): Promise<void> {
    const [claims, leases]: [Claim[], number[]] = [[], []]
    for (const context of contexts) {
      const claim = this.#running.get(context)
      if (claim === undefined) continue
      claims.push(claim)
      leases.push(this.#leaseMs(context))
    }
    const clock = contexts[0]?.clock
    if (claims.length === 0 || clock === undefined) return
    try {
      await this.#options.store.renew(claims, Math.max(...leases), clock)
    } catch (error) {
      for (const { key } of claims) this.#options.onStoreFailure({ operation: 'renew', key, error })
    }
  }

  #leaseMs({ capabilities: { lease } }: ProcessContext): number {
    return lease !== false && lease.kind === 'message' ? Math.min(this.#options.leaseMs, lease.ms) : this.#options.leaseMs
  }

  #claimFailed(key: string, owner: string, context: ProcessContext, next: Next, error: unknown): MaybePromise<unknown> {
    this.#owners.keep(key, owner)
    this.#outage.begins(error, context.clock.monotonic())
    if (this.#options.whileUnavailable !== 'go-on') this.#options.onStoreFailure({ operation: 'claim', key, error })
    return this.#unclaimed(key, context, next, error)
  }

  #unclaimed(key: string, context: ProcessContext, next: Next, error: unknown): MaybePromise<unknown> {
    switch (this.#options.whileUnavailable) {
      case 'wait':
        // Waiting would block the message, and its key, for ever.
        if (isRefusal(error)) throw error
        return new Directive('retry', { delayMs: this.#outage.holdMs(context), error, counts: false })
      case 'fail':
        throw error
      case 'go-on':
        this.unprotected++
        this.#options.onStoreFailure({ operation: 'claim', key, error })
        return next()
    }
  }

  #claimed(result: ClaimResult, key: string, owner: string, context: ProcessContext, next: Next): MaybePromise<unknown> {
    if (this.#outage.lasts) this.#outage.ends()
    switch (result.state) {
      case 'claimed':
        return this.#handle({ key, owner, fence: result.fence }, context, next)
      case 'busy':
        return new Directive('retry', { delayMs: Math.min(longestBusyMs, Math.max(1, result.expiresInMs)), counts: false })
      case 'done':
        return this.#answerAgain(result.value, key, context)
    }
  }

  #answerAgain(value: string, key: string, context: ProcessContext): unknown {
    const { head, reply } = readRecord(value)
    if (!this.#options.comparesBodies || head === undefined || head === recordHead(fingerprint(context.incoming.body))) return reply
    const error = new BrokerError('ERR_CONFLICT', `idempotency: a message with the key '${key}' and a different body was handled before`, {
      destination: context.source,
    })
    return new Directive('dead-letter', { reason: 'different body under a handled key', error })
  }

  #handle(claim: Claim, context: ProcessContext, next: Next): MaybePromise<unknown> {
    let value: MaybePromise<unknown>
    try {
      value = next()
    } catch (error) {
      return this.#failed(claim, context, error)
    }
    if (!(value instanceof Promise)) return this.#ended(claim, context, value)
    this.#running.set(context, claim)
    return value.then(
      (late) => {
        this.#running.delete(context)
        return this.#ended(claim, context, late)
      },
      (error: unknown) => {
        this.#running.delete(context)
        return this.#failed(claim, context, error)
      },
    )
  }

  #ended(claim: Claim, context: ProcessContext, value: unknown): MaybePromise<unknown> {
    const failed = context.settled === undefined ? value instanceof Directive : context.settled !== 'ack'
    const step = failed ? this.#release(claim, context) : this.#complete(claim, context, this.#record(context, value))
    return step === undefined ? value : step.then(() => value)
  }

  #failed(claim: Claim, context: ProcessContext, error: unknown): MaybePromise<never> {
    // What was acked does not come again, whatever was thrown afterwards.
    const step = context.settled === 'ack' ? this.#complete(claim, context, this.#record(context, undefined)) : this.#release(claim, context)
    // Whatever the handler threw, unchanged.
    if (step === undefined) throw error
    return step.then(() => {
      throw error
    })
  }

  #record({ incoming }: ProcessContext, value: unknown): string {
    const head = recordHead(this.#options.comparesBodies ? fingerprint(incoming.body) : undefined)
    if (incoming.replyTo === undefined || value instanceof Directive) return head
    try {
      return writeRecord(head, value)
    } catch {
      // It is refused as a reply, too. But its effect has happened.
      return head
    }
  }

  /** The message has been handled: from here on its outcome stands, whatever the store says. */
  #complete(claim: Claim, context: ProcessContext, record: string): MaybePromise<void> {
    const { store, ttlMs } = this.#options
    let result: MaybePromise<'completed' | 'lost'>
    try {
      result = store.complete(claim, record, ttlMs, context.clock)
    } catch (error) {
      return this.#completeAgain(claim, context, record, error)
    }
    if (!(result instanceof Promise)) return result === 'completed' ? undefined : this.#completeAgain(claim, context, record, undefined)
    return result.then(
      (late) => (late === 'lost' ? this.#completeAgain(claim, context, record, undefined) : undefined),
      (error: unknown) => this.#completeAgain(claim, context, record, error),
    )
  }

  /**
   * Once more, claiming anew: the claim may have expired without anybody taking it, or the call may not have arrived. Where messages wait for a store that is
   * down, this one does too: its effect has happened, and it stays the broker's until that is remembered.
   */
  async #completeAgain(claim: Claim, context: ProcessContext, record: string, cause: unknown): Promise<void> {
    // A store that was closed here does not come back.
    const waits = (error: unknown): boolean =>
      this.#options.whileUnavailable === 'wait' && isBrokerError(error) && error.code !== 'ERR_CLOSED' && !isRefusal(error)
    let failure: unknown
    let told = false
    const tell = (): void => {
      if (!told) this.#options.onStoreFailure({ operation: 'complete', key: claim.key, error: failure })
      told = true
    }
    do {
      try {
        if (await this.#claimAndComplete(claim, context, record)) return
        failure = cause ?? new BrokerError('ERR_TOO_LATE', 'The claim was lost while the message was handled.')
        break
      } catch (error) {
        failure = error
      }
      // An outage is told by the claims that fail. Of this nobody else would learn why the message is not acked.
      if (failure instanceof ImpossibleAnswer) tell()
    } while (waits(failure) && (await goesOn(context)))
    tell()
  }

  /** False if somebody else has the key. */
  async #claimAndComplete({ key, owner }: Claim, context: ProcessContext, record: string): Promise<boolean> {
    const { store, ttlMs } = this.#options
    const again = await store.claim({ key, owner, leaseMs: this.#leaseMs(context) }, context.clock)
    if (again.state !== 'claimed') return again.state === 'done'
    return (await store.complete({ key, owner, fence: again.fence }, record, ttlMs, context.clock)) === 'completed'
  }

  #release(claim: Claim, context: ProcessContext): MaybePromise<void> {
    const { store, onStoreFailure } = this.#options
    const call = (): MaybePromise<unknown> => store.release(claim, context.clock)
    const again = async (failure: unknown): Promise<void> => {
      try {
        await toldAgain(failure, call, context)
      } catch (error) {
        onStoreFailure({ operation: 'release', key: claim.key, error })
      }
    }
    try {
      const result = call()
      return result instanceof Promise ? result.then(() => {}, again) : undefined
    } catch (error) {
      return again(error)
    }
  }
}

/** Waits a little. False if the message is ours no longer, or is to be given up: then waiting on makes no sense. */
function goesOn({ clock, signal, random }: ProcessContext): Promise<boolean> {
  return sleep(clock, completeAgainMs * (1 + random()), signal).then(
    () => true,
    () => false,
  )
}
