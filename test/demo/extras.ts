import { randomBytes } from 'node:crypto'
import type { ProcessMiddleware, SendFunction, SendMiddleware } from '@busbar/core'
import type { FencedStore } from '@busbar/core/driver'
import {
  circuitBreaker,
  claimCheck,
  claimFetch,
  compression,
  concurrencyLimit,
  decompression,
  decryption,
  encryption,
  localKeys,
  rateLimit,
  sendOnce,
  timeout,
  type BodyStore,
} from '@busbar/middleware'
import type { Arrival } from './destinations.ts'
import type { Ledger } from './ledger.ts'
import { subscribersOf } from './subscribers.ts'

/** Middleware of a run, besides those that every worker has. */
export interface Extras {
  /** Of whoever sends orders. */
  readonly orderSenders: readonly SendMiddleware[]
  /** Of whoever handles them: what makes their bodies readable, outside idempotency. */
  readonly orderBodies: readonly ProcessMiddleware[]
  /** What stands between retry and their handler. */
  readonly orderLimits: readonly ProcessMiddleware[]
  /** Of whoever sends arrivals. */
  readonly arrivalSenders: readonly (SendMiddleware | SendFunction)[]
  /** Names of those that had nothing to do, though something was planned for them. */
  idle(): readonly string[]
}

/** A program as simple as it can be. */
export const noExtras: Extras = { orderSenders: [], orderBodies: [], orderLimits: [], arrivalSenders: [], idle: () => [] }

/** What a program has that must bear faults: orders are compressed, encrypted and checked in, and handled within limits; arrivals are sent once. */
export function allExtras(store: FencedStore, ledger: Ledger): Extras {
  const bodies = new Bodies()
  const keys = localKeys({ current: 'demo', keys: { demo: randomBytes(32) } })
  const notAgain = new Set<string>()
  return {
    // Orders are short: without lower bounds nothing would be done to them.
    orderSenders: [compression({ minBytes: 1 }), encryption({ keys }), claimCheck({ store: bodies, minBytes: 1 })],
    orderBodies: [
      // Deletes a body when its message has been acked, and knows the copies that a broker makes of it.
      claimFetch({ store: bodies }),
      // Those of old terminals.
      decryption({ keys, allowPlain: true }),
      decompression(),
    ],
    orderLimits: [
      concurrencyLimit({ max: 8 }),
      rateLimit({ perSecond: 20_000 }),
      circuitBreaker({ failures: 3, openMs: 100, probes: 2 }),
      timeout({ ms: 10_000 }),
    ],
    arrivalSenders: onlyOnce(store, (arrival) => {
      notAgain.add(arrival.arrivalId)
      for (const source of subscribersOf(arrival)) ledger.suppressed(source, arrival.arrivalId)
    }),
    idle: () => [...(bodies.deleted === 0 ? ['claimCheck, and what deletes its bodies'] : []), ...(notAgain.size === 0 ? ['sendOnce'] : [])],
  }
}

/** `sendOnce`, telling what it keeps from being sent again. */
function onlyOnce(store: FencedStore, onKept: (arrival: Arrival) => void): readonly (SendMiddleware | SendFunction)[] {
  const through = new WeakSet<object>()
  return [
    async (context, next) => {
      const receipt = await next()
      if (!through.has(context)) onKept(context.body as Arrival)
      return receipt
    },
    sendOnce({ store, ttlMs: 3_600_000 }),
    (context, next) => {
      through.add(context)
      return next()
    },
  ]
}

class Bodies implements BodyStore {
  deleted = 0
  readonly #bodies = new Map<string, Uint8Array>()

  put(key: string, body: Uint8Array): void {
    this.#bodies.set(key, body)
  }

  get(key: string): Uint8Array | undefined {
    return this.#bodies.get(key)
  }

  delete(key: string): void {
    if (this.#bodies.delete(key)) this.deleted++
  }
}
