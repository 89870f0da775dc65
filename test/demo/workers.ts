import { setTimeout as pause } from 'node:timers/promises'
import { Directive, exponential, type Broker, type HandlerContext, type Message, type ProcessFunction, type ProcessMiddleware } from '@busbar/core'
import type { FencedStore } from '@busbar/core/driver'
import { idempotency, retry } from '@busbar/middleware'
import { complaints, deliveryOrders, dispatch, positions, routes } from './destinations.ts'
import type { Extras } from './extras.ts'
import type { Ledger } from './ledger.ts'
import { failuresOf } from './workload.ts'

export interface WorkersOptions {
  readonly broker: Broker
  readonly ledger: Ledger
  /** Where handled messages are remembered. */
  readonly store: FencedStore
  readonly extras: Extras
  /** Depots that orders can be for; grows while the program runs. */
  readonly depots: ReadonlySet<string>
  readonly onFailure: () => void
}

/** Consumers of every queue and subscription. */
export async function startWorkers(options: WorkersOptions): Promise<void> {
  const { broker, depots, store, extras } = options
  const handled = new WeakSet<object>()
  const counting = countSuppressed(options.ledger, handled)
  const always: ProcessMiddleware[] = [
    idempotency({ store, ttlMs: 3_600_000 }),
    retry({ maxAttempts: 4, backoff: exponential({ initialMs: 20, maxMs: 200, jitter: 'full' }) }),
  ]
  const use: (ProcessMiddleware | ProcessFunction)[] = [counting, ...always]
  const booking = handlersFor(options, handled)
  const sightings = new Map<string, number>()

  await broker.consume(
    positions,
    booking('positions', ({ truckId, sequence }) => void sightings.set(truckId, sequence)),
    { concurrency: 32, use },
  )
  await broker.consume(
    deliveryOrders,
    booking('delivery-orders', ({ depot }) => {
      if (!depots.has(depot)) throw new Error(`no such depot: ${depot}`)
    }),
    { use: [counting, ...extras.orderBodies, ...always, ...extras.orderLimits] },
  )
  await broker.consume(dispatch, booking('arrivals.dispatch'), { use })
  await broker.consume(complaints, booking('arrivals.complaints'), { use })
  await broker.consume(routes, ({ body: { truckId, depot } }) => ({ truckId, kilometres: distanceTo(depot) }), { use: [idempotency({ store })] })
}

/** Any number will do, as long as both sides agree. */
export function distanceTo(depot: string): number {
  return depot.length * 10
}

/** Stands outside everything else: what ends well there without a run of the handler was suppressed on the way. */
function countSuppressed(ledger: Ledger, handled: WeakSet<object>): ProcessFunction {
  return async ({ source, message }, next) => {
    const value = await next()
    if (!(value instanceof Directive) && !handled.has(message)) ledger.suppressed(source, message.id)
    return value
  }
}

type Handler<Body> = (message: Message<Body>, context: HandlerContext) => Promise<void>

/** Handlers that do a little work, fail as planned, and book their effect. */
function handlersFor({ ledger, onFailure }: WorkersOptions, handled: WeakSet<object>): <Body>(source: string, work?: (body: Body) => void) => Handler<Body> {
  return (source, work) =>
    async (message, { signal }) => {
      const { id, body, attempt } = message
      await pause(1, undefined, { signal })
      try {
        if (attempt <= failuresOf(id)) throw new Error('the service behind does not answer')
        work?.(body)
      } catch (error) {
        onFailure()
        throw error
      }
      handled.add(message)
      ledger.effect(source, id)
    }
}
