import { setTimeout as pause } from 'node:timers/promises'
import { isBrokerError, type Broker } from '@busbar/core'
import { arrivals, deliveryOrders, positions, routes, type Position } from './destinations.ts'
import type { Extras } from './extras.ts'
import { legacyOrders, legacyPositions } from './legacy.ts'
import type { Ledger } from './ledger.ts'
import { subscribersOf } from './subscribers.ts'
import { distanceTo } from './workers.ts'
import { depots, type Planned, type Truck, type Workload } from './workload.ts'

export interface SendersOptions {
  readonly broker: Broker
  /** What the old terminals send through. */
  readonly legacy: Broker
  readonly ledger: Ledger
  readonly extras: Extras
  readonly signal: AbortSignal
}

/** Sending takes about this long, so that there is something to watch. */
const durationMs = 1_500
const steps = 25
const mostAtOnce = 500

/** Sends the whole workload. Resolves when the broker has all of it. */
export async function sendWorkload(workload: Workload, options: SendersOptions): Promise<void> {
  const { broker, legacy, extras } = options
  const orders = broker.producer(deliveryOrders, { use: extras.orderSenders })
  const news = broker.producer(arrivals, { use: extras.arrivalSenders })
  const oldOrders = legacy.producer(legacyOrders)
  await Promise.all([
    ...workload.trucks.map((truck, index) => drive(truck, (index / workload.trucks.length) * (durationMs / 3), options)),
    paced(workload.orders, options, (order) => repeatedly(order, ['delivery-orders'], (body) => orders.send(body), options)),
    paced(workload.malformedOrders, options, (order) => repeatedly(order, ['delivery-orders'], (body, id) => oldOrders.send(body, { id }), options)),
    paced(workload.arrivals, options, (arrival) => repeatedly(arrival, subscribersOf(arrival.body), (body) => news.send(body), options)),
  ])
}

/** Asks for `count` routes. Answers how many answers were right. */
export async function askForRoutes(count: number, { broker, signal }: SendersOptions): Promise<number> {
  const answers = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const question = { truckId: `truck-${index}`, depot: depots[index % depots.length] as string }
      const { truckId, kilometres } = await untilDone(() => broker.request(routes, question, { timeoutMs: 5_000, signal }), signal)
      return truckId === question.truckId && kilometres === distanceTo(question.depot)
    }),
  )
  return answers.filter(Boolean).length
}

/** One truck: bursts of fixes, each sent when the one before is confirmed. */
async function drive({ bursts, blind }: Truck, waitMs: number, options: SendersOptions): Promise<void> {
  await pause(waitMs, undefined, { signal: options.signal })
  const old = options.legacy.producer(legacyPositions)
  for (const burst of bursts) {
    await sendBurst(burst, options)
    for (const fix of burst) if (fix.twice) await sendBurst([fix], options)
    await pause(durationMs / 2 / bursts.length, undefined, { signal: options.signal })
  }
  for (const fix of blind) await repeatedly(fix, ['positions'], (body, id) => old.send(body as { readonly truckId: string }, { id }), options)
}

async function sendBurst(burst: readonly Planned<Position>[], { broker, ledger, signal }: SendersOptions): Promise<void> {
  const producer = broker.producer(positions)
  for (const { id, body } of burst) ledger.sending(id, ['positions'], body.truckId)
  let rest = burst
  while (rest.length > 0) {
    signal.throwIfAborted()
    const results = await producer.sendBatch(rest.map((fix) => fix.body))
    const failed = results.find((result) => !result.ok && !result.error.retryable)
    if (failed?.ok === false) throw failed.error
    for (const [index, { id }] of rest.entries()) if (results[index]?.ok === true) ledger.confirmed(id, ['positions'])
    rest = rest.filter((_, index) => results[index]?.ok !== true)
  }
}

/** Sends one message, and once more if that was planned. */
async function repeatedly<Body>(
  { id, body, twice }: Planned<Body>,
  sources: readonly string[],
  send: (body: Body, id: string) => Promise<unknown>,
  { ledger, signal }: SendersOptions,
): Promise<void> {
  for (let times = twice ? 2 : 1; times > 0; times--) {
    ledger.sending(id, sources)
    await untilDone(() => send(body, id), signal)
    ledger.confirmed(id, sources)
  }
}

/** Repeats what failed and may succeed, as a program does that must not lose anything. */
async function untilDone<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!isBrokerError(error) || !error.retryable) throw error
      await pause(20, undefined, { signal })
    }
  }
}

async function paced<T>(items: readonly T[], { signal }: SendersOptions, act: (item: T) => Promise<void>): Promise<void> {
  const size = Math.min(mostAtOnce, Math.ceil(items.length / steps))
  for (let from = 0; from < items.length; from += size) {
    await Promise.all(items.slice(from, from + size).map(act))
    await pause(durationMs / steps, undefined, { signal })
  }
}
