import { BrokerError, type Clock } from '@busbar/core'
import { promised, type Claim, type ClaimRequest, type ClaimResult, type FencedStore, type MaybePromise } from '@busbar/core/driver'
import { TimeLimit } from '../support/time-limit.ts'
import { isRecord } from './record.ts'

/** The store has answered, and with what no store may answer. It can be reached, and what it says of one key tells nothing of the next. */
export class ImpossibleAnswer extends BrokerError {
  /** What was answered is not repeated: it may hold a reply. */
  constructor(operation: string, what: string) {
    super('ERR_UNAVAILABLE', `The store of claims answers ${operation} with ${what}, which no store may answer`)
  }
}

/**
 * A store whose answers can be relied on: they come within the time limit, and are of the shapes that the contract names. Anything else is thrown, or rejects, with
 * a retryable `BrokerError`: `ERR_TIMEOUT` or `ERR_UNAVAILABLE`. Synchronous where the store is.
 */
export class CheckedStore {
  readonly #store: FencedStore
  readonly #limit: TimeLimit

  constructor(store: FencedStore, timeoutMs: number) {
    this.#store = store
    this.#limit = new TimeLimit(timeoutMs, 'the store of claims')
  }

  claim(request: ClaimRequest, clock: Clock): MaybePromise<ClaimResult> {
    const answer = promised(this.#store.claim(request))
    return answer instanceof Promise ? this.#limit.within(clock, answer.then(checkedClaim)) : checkedClaim(answer)
  }

  renew(claims: readonly Claim[], leaseMs: number, clock: Clock): MaybePromise<unknown> {
    const answer = promised(this.#store.renew(claims, leaseMs))
    const check = (renewed: unknown): unknown => checkedRenewal(renewed, claims.length)
    return answer instanceof Promise ? this.#limit.within(clock, answer.then(check)) : check(answer)
  }

  complete(claim: Claim, value: string, ttlMs: number, clock: Clock): MaybePromise<'completed' | 'lost'> {
    const answer = promised(this.#store.complete(claim, value, ttlMs))
    return answer instanceof Promise ? this.#limit.within(clock, answer.then(checkedCompletion)) : checkedCompletion(answer)
  }

  release(claim: Claim, clock: Clock): MaybePromise<'released' | 'lost'> {
    const answer = promised(this.#store.release(claim))
    return answer instanceof Promise ? this.#limit.within(clock, answer.then(checkedRelease)) : checkedRelease(answer)
  }
}

/** Every field, as it may be in an answer that is none. */
type Answer = { readonly state?: unknown; readonly fence?: unknown; readonly expiresInMs?: unknown; readonly value?: unknown } | null | undefined

function checkedClaim(result: ClaimResult): ClaimResult {
  const answer = result as Answer
  switch (answer?.state) {
    case 'claimed':
      if (Number.isSafeInteger(answer.fence)) return result
      throw new ImpossibleAnswer('a claim', "'claimed' without a fence that is a whole number")
    case 'busy':
      if (Number.isFinite(answer.expiresInMs)) return result
      throw new ImpossibleAnswer('a claim', "'busy' without a finite time")
    case 'done':
      if (isRecord(answer.value)) return result
      throw new ImpossibleAnswer('a claim', "'done' and a value that is no record of a completion")
    default:
      throw new ImpossibleAnswer('a claim', "neither 'claimed', 'busy' nor 'done'")
  }
}

function checkedRenewal(renewed: unknown, count: number): unknown {
  if (Array.isArray(renewed) && renewed.length === count && renewed.every((each) => each === 'renewed' || each === 'lost')) return renewed
  throw new ImpossibleAnswer('a renewal', "something else than 'renewed' or 'lost' for each claim")
}

function checkedCompletion(answer: 'completed' | 'lost'): 'completed' | 'lost' {
  if (answer === 'completed' || answer === 'lost') return answer
  throw new ImpossibleAnswer('a completion', "neither 'completed' nor 'lost'")
}

function checkedRelease(answer: 'released' | 'lost'): 'released' | 'lost' {
  if (answer === 'released' || answer === 'lost') return answer
  throw new ImpossibleAnswer('a release', "neither 'released' nor 'lost'")
}
