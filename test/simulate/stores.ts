import type { FencedStore, MaybePromise } from '@busbar/core/driver'
import type { BodyStore, KeyProvider } from '@busbar/middleware'
import type { Bodies } from './bodies.ts'
import { never } from './guarded-driver.ts'
import type { Process } from './process.ts'

/** What goes wrong with one call: no effect, an effect late, an effect and a late answer, an effect and none. */
type Fault = { readonly kind: 'throw' | 'lost' } | { readonly kind: 'slow' | 'late'; readonly ms: number }

export interface StoreFaultsOptions {
  readonly random: () => number
  readonly probability: number
  readonly budget: number
  readonly answersAtOnce: boolean
  readonly sleep: (ms: number) => Promise<void>
  readonly onFault: (what: string, kind: string) => void
}

/** Random faults of all stores of a schedule. */
export class StoreFaults {
  readonly #options: StoreFaultsOptions
  #left: number

  constructor(options: StoreFaultsOptions) {
    this.#options = options
    this.#left = options.budget
  }

  /** One call of a process: what it asks of a store happens, or not, and is answered, or not. */
  call<T>(process: Process, what: string, mostMs: number, act: () => MaybePromise<T>): MaybePromise<T> {
    return process.call(what, () => this.#perform(process, mostMs === 0 ? undefined : this.#strike(what, mostMs), act))
  }

  #strike(what: string, mostMs: number): Fault | undefined {
    const { random, probability, onFault } = this.#options
    if (this.#left === 0 || random() >= probability) return undefined
    this.#left--
    const kind = (['throw', 'lost', 'slow', 'late'] as const)[Math.floor(random() * 4)] as Fault['kind']
    onFault(what, kind)
    return kind === 'throw' || kind === 'lost' ? { kind } : { kind, ms: Math.ceil(random() * mostMs) }
  }

  #perform<T>(process: Process, fault: Fault | undefined, act: () => MaybePromise<T>): MaybePromise<T> {
    const { answersAtOnce, sleep } = this.#options
    switch (fault?.kind) {
      case undefined:
        return answersAtOnce ? act() : Promise.resolve().then(() => (process.alive ? act() : never<T>()))
      case 'throw':
        throw new Error('the store is down')
      case 'lost':
        void act()
        throw new Error('the answer was lost')
      case 'slow':
        return sleep(fault.ms).then(() => (process.alive ? act() : never<T>()))
      case 'late': {
        const answer = act()
        return sleep(fault.ms).then(() => answer)
      }
    }
  }
}

/** Longest that the store of claims may take: claims are renewed early enough for that. */
const mostClaimMs = 3_000
/** Longer than the middleware waits. */
const mostBodyMs = 8_000

/**
 * The store of claims as one process has it. Twice in a row it does not fail for a completion, or for renewals: whoever can store that
 * a message was handled neither at once nor at the second try cannot promise that it is handled once.
 */
export function storeOf(process: Process, store: FencedStore, faults: StoreFaults, onCompleted: (id: string) => void): FencedStore {
  const completing = new Set<string>()
  let renewFailed = false
  return {
    claim: (request) => faults.call(process, 'claim', completing.has(request.key) ? 0 : mostClaimMs, () => store.claim(request)),
    async renew(claims, leaseMs) {
      const mostMs = renewFailed ? 0 : mostClaimMs
      renewFailed = true
      const renewed = await faults.call(process, 'renew', mostMs, () => store.renew(claims, leaseMs))
      renewFailed = false
      return renewed
    },
    complete: (claim, value, ttlMs) => {
      const mostMs = completing.has(claim.key) ? 0 : mostClaimMs
      completing.add(claim.key)
      const note = (result: 'completed' | 'lost'): 'completed' | 'lost' => {
        if (result === 'completed' && !claim.key.startsWith('send:')) {
          const id = claim.key.slice(claim.key.lastIndexOf(':') + 1)
          process.closed(id)
          onCompleted(id)
        }
        return result
      }
      return faults.call(process, 'complete', mostMs, () => {
        const result = store.complete(claim, value, ttlMs)
        return result instanceof Promise ? result.then(note) : note(result)
      })
    },
    release: (claim) => faults.call(process, 'release', mostClaimMs, () => store.release(claim)),
    scan: (prefix, options) => faults.call(process, 'scan', 0, () => store.scan(prefix, options)),
  }
}

/** The store of bodies as one process has it. */
export function bodyStoreOf(process: Process, bodies: Bodies, faults: StoreFaults): BodyStore {
  const call = <T>(what: string, act: () => T): MaybePromise<T> => {
    process.clock.simulated = true
    return faults.call(process, what, mostBodyMs, act)
  }
  return {
    put: (key, body) => call('put', () => bodies.put(key, body)),
    get: (key) => call('get', () => bodies.get(key)),
    delete: (key) => {
      if (process.alive) bodies.deleting(key)
      return call('delete', () => bodies.delete(key))
    },
  }
}

/** Keys that cannot be had now and then; never slowly, since a process has them. */
export function keysOf(provider: KeyProvider, random: () => number): KeyProvider {
  const check = (): void => {
    if (random() < 0.03) throw new Error('the key provider is down')
  }
  return {
    currentKey: () => {
      check()
      return provider.currentKey()
    },
    keyById: (id) => {
      check()
      return provider.keyById(id)
    },
  }
}
