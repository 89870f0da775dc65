import type { FencedStore, MaybePromise } from '@busbar/core/driver'
import type { BodyStore, KeyProvider } from '@busbar/middleware'
import type { Bodies } from './bodies.ts'
import { never } from './guarded-driver.ts'
import type { Process } from './process.ts'

/** No effect; an effect and no answer; an effect late; an effect and a late answer; no effect and an impossible answer; an effect or none, and no answer ever. */
const kinds = ['throw', 'lost', 'slow', 'late', 'lie', 'hang'] as const
type Kind = (typeof kinds)[number]

/** What counts how often it was tried. */
export const triedBy: Readonly<Record<Kind, 'storeFaults' | 'storeLies' | 'storeHangs'>> = {
  throw: 'storeFaults',
  lost: 'storeFaults',
  slow: 'storeFaults',
  late: 'storeFaults',
  lie: 'storeLies',
  hang: 'storeHangs',
}

/** Answers that no store of claims may give to any call. */
const lies: readonly unknown[] = [
  undefined,
  null,
  'claimed',
  [],
  { state: 'nonsense' },
  { state: 'claimed' },
  { state: 'busy', expiresInMs: Number.NaN },
  { state: 'done', value: 'no record' },
]

export interface StoreFaultsOptions {
  readonly random: () => number
  readonly probability: number
  readonly budget: number
  readonly answersAtOnce: boolean
  readonly sleep: (ms: number) => Promise<void>
  readonly onFault: (what: string, kind: Kind) => void
}

/** What may go wrong with one call. */
interface Fallible {
  readonly kinds: readonly Kind[]
  /** Longest that it may take. */
  readonly mostMs: number
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
  call<T>(process: Process, what: string, fallible: Fallible | undefined, act: () => MaybePromise<T>): MaybePromise<T> {
    return process.call(what, () => this.#perform(process, fallible && this.#strike(what, fallible), act))
  }

  /** The fault, and a number from 0 to its longest time. */
  #strike(what: string, { kinds: possible, mostMs }: Fallible): { readonly kind: Kind; readonly ms: number } | undefined {
    const { random, probability, onFault } = this.#options
    if (this.#left === 0 || random() >= probability) return undefined
    this.#left--
    const kind = possible[Math.floor(random() * possible.length)] as Kind
    onFault(what, kind)
    return { kind, ms: Math.ceil(random() * mostMs) }
  }

  #perform<T>(process: Process, fault: { readonly kind: Kind; readonly ms: number } | undefined, act: () => MaybePromise<T>): MaybePromise<T> {
    const { sleep } = this.#options
    switch (fault?.kind) {
      case undefined:
        return this.#answer(process, act)
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
      case 'lie':
        return this.#answer(process, () => lies[fault.ms % lies.length] as T)
      case 'hang':
        if (fault.ms % 2 === 0) void act()
        return never<T>()
    }
  }

  #answer<T>(process: Process, act: () => MaybePromise<T>): MaybePromise<T> {
    return this.#options.answersAtOnce ? act() : Promise.resolve().then(() => (process.alive ? act() : never<T>()))
  }
}

/** Longer than the middleware waits for the store of claims; claims are renewed early enough for that. */
const ofClaims: Fallible = { kinds, mostMs: 3_000 }
/** Longer than the middleware waits. Bodies are checked by their digest: a store of them that lies is one that has lost them. */
const ofBodies: Fallible = { kinds: kinds.filter((kind) => kind !== 'lie'), mostMs: 8_000 }

/**
 * The store of claims as one process has it. Twice in a row it does not fail for a completion, or for renewals: whoever can store that
 * a message was handled neither at once nor at the second try cannot promise that it is handled once.
 */
export function storeOf(process: Process, store: FencedStore, faults: StoreFaults, onCompleted: (id: string) => void): FencedStore {
  const completing = new Set<string>()
  let renewFailed = false
  const unlessCompleting = (key: string): Fallible | undefined => (completing.has(key) ? undefined : ofClaims)
  return {
    claim: (request) => faults.call(process, stepOf('claim', request.key), unlessCompleting(request.key), () => store.claim(request)),
    async renew(claims, leaseMs) {
      const fallible = renewFailed ? undefined : ofClaims
      renewFailed = true
      const renewed = await faults.call(process, 'renew', fallible, () => store.renew(claims, leaseMs))
      renewFailed = !Array.isArray(renewed) || renewed.length !== claims.length
      return renewed
    },
    complete: (claim, value, ttlMs) => {
      const fallible = unlessCompleting(claim.key)
      completing.add(claim.key)
      const note = (result: 'completed' | 'lost'): 'completed' | 'lost' => {
        if (result === 'completed' && !isOfSend(claim.key)) {
          const id = claim.key.slice(claim.key.lastIndexOf(':') + 1)
          process.closed(id)
          onCompleted(id)
        }
        return result
      }
      return faults.call(process, stepOf('complete', claim.key), fallible, () => {
        const result = store.complete(claim, value, ttlMs)
        return result instanceof Promise ? result.then(note) : note(result)
      })
    },
    release: (claim) => faults.call(process, stepOf('release', claim.key), ofClaims, () => store.release(claim)),
    scan: (prefix, options) => faults.call(process, 'scan', undefined, () => store.scan(prefix, options)),
  }
}

/** Sends and received messages share a store, and crash at different places. */
function stepOf(call: string, key: string): string {
  return isOfSend(key) ? `send ${call}` : call
}

function isOfSend(key: string): boolean {
  return key.startsWith('send:')
}

/** The store of bodies as one process has it. */
export function bodyStoreOf(process: Process, bodies: Bodies, faults: StoreFaults): BodyStore {
  const call = <T>(what: string, act: () => T): MaybePromise<T> => {
    process.clock.simulated = true
    return faults.call(process, what, ofBodies, act)
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
