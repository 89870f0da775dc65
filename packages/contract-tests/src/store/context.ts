import type { Claim, ClaimResult, FencedStore, LeaseStore, StoredClaim } from '@busbar/core/driver'
import { check, show } from '../kit/assert.ts'
import { Changes, Waiting } from '../kit/waiting.ts'
import type { StoreHarness } from './harness.ts'

/** A lease that does not end during a case. */
export const longMs = 600_000

/** Everything that one run of one case has: its own keys and clients, which are closed when it ends. */
export class StoreContext {
  readonly harness: StoreHarness
  readonly waiting: Waiting
  readonly #stores: FencedStore[] = []
  /** The longest claim so far, in milliseconds. */
  #slowestMs = 0

  constructor(harness: StoreHarness) {
    this.harness = harness
    this.waiting = new Waiting(harness.clock, new Changes(), harness.bounds.caseMs)
  }

  get now(): number {
    return this.harness.clock.monotonic()
  }

  /** The short lease. */
  get leaseMs(): number {
    return this.harness.bounds.leaseMs
  }

  /** A new client. */
  async store(): Promise<FencedStore> {
    const store = await this.harness.createStore()
    this.#stores.push(store)
    return store
  }

  /** A new client of a store that keeps notes. */
  async leaseStore(): Promise<LeaseStore> {
    const store = (await this.store()) as LeaseStore
    check(typeof store.save === 'function', 'a store that keeps notes has a function save')
    return store
  }

  async end(): Promise<void> {
    for (const store of this.#stores.splice(0)) await (store as Partial<AsyncDisposable>)[Symbol.asyncDispose]?.()
  }

  key(prefix = 'key'): string {
    return this.harness.uniqueKey(prefix)
  }

  /** Claims a key that must be free. */
  async claimed(store: FencedStore, key: string, owner: string, leaseMs: number = longMs): Promise<Claim> {
    const since = this.now
    const result = await store.claim({ key, owner, leaseMs })
    this.#slowestMs = Math.max(this.#slowestMs, this.now - since)
    check(result.state === 'claimed', () => `the key can be claimed by ${owner}; got ${show(result)}`)
    return { key, owner, fence: result.fence }
  }

  /** Asks for the key under an owner that has never been used; for looking at what is known of the key. */
  async ask(store: FencedStore, key: string): Promise<ClaimResult> {
    return store.claim({ key, owner: this.key('somebody else'), leaseMs: longMs })
  }

  async checkBusy(store: FencedStore, key: string, what: string): Promise<void> {
    const result = await this.ask(store, key)
    check(result.state === 'busy', () => `${what}; got ${show(result)}`)
  }

  async checkDone(store: FencedStore, key: string, value: string, what: string): Promise<void> {
    const result = await this.ask(store, key)
    check(result.state === 'done' && result.value === value, () => `${what}; got ${show(result)}`)
  }

  /** Waits until `ms` counted from now have surely passed for the store as well: it may know its server's time no better than two round trips take. */
  passes(ms: number): Promise<void> {
    return this.waiting.until(this.now + ms + this.harness.bounds.slackMs + 2 * this.#slowestMs)
  }

  /**
   * What `ask` found, if it came back while the lease taken after `sinceMs` could not have ended. A machine that stalled has seen nothing that means anything:
   * `undefined`.
   */
  async before<T>(sinceMs: number, leaseMs: number, ask: () => Promise<T>): Promise<T | undefined> {
    const found = await ask()
    return this.now < sinceMs + leaseMs - this.harness.bounds.slackMs ? found : undefined
  }

  /** All pages, and how they came. */
  async scanned(store: FencedStore, prefix: string, limit = 100): Promise<{ readonly claims: readonly StoredClaim[]; readonly pages: readonly number[] }> {
    const claims: StoredClaim[] = []
    const pages: number[] = []
    let cursor: string | undefined
    do {
      const page = await store.scan(prefix, cursor === undefined ? { limit } : { limit, cursor })
      claims.push(...page.claims)
      pages.push(page.claims.length)
      check(pages.length <= 10_000, 'the scan comes to an end')
      cursor = page.cursor
    } while (cursor !== undefined)
    return { claims, pages }
  }
}
