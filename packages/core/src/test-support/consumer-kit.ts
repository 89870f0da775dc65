import { createBroker } from '../broker/create-broker.ts'
import type { Broker, Route } from '../broker/types.ts'
import { queue } from '../definitions/queue.ts'
import type { Queue } from '../definitions/types.ts'
import type { Capabilities } from '../driver/index.ts'
import type { Message } from '../message.ts'
import { ManualClock } from './manual-clock.ts'
import { NaiveDriver, type NaiveReceiver } from './naive-driver.ts'
import { turns } from './turns.ts'
import type { ConsumeOptions, Consumer } from '../consumer/types.ts'

export interface Order {
  readonly n: number
  readonly customer: string
}

export type Handle = (message: Message<Order>, context: { readonly signal: AbortSignal }) => unknown

export const keyed: Queue<Order> = queue<Order>('keyed', { orderingKey: (order) => order.customer, messageId: (order) => `m${order.n}` })

export interface SetUp {
  readonly driver: NaiveDriver
  readonly clock: ManualClock
  readonly broker: Broker
  readonly consumer: Consumer
  readonly receiver: NaiveReceiver
  /** What was logged: level, event and data. */
  readonly logged: readonly (readonly unknown[])[]
  readonly send: (...orders: readonly (readonly [n: number, customer: string])[]) => Promise<void>
  /** Lets `ms` pass in small steps, with all turns in between. */
  readonly pass: (ms: number) => Promise<void>
}

export async function setUp(handler: Handle, options: ConsumeOptions = {}, capabilities: Partial<Capabilities> = {}, route: Route = {}): Promise<SetUp> {
  const driver = new NaiveDriver(capabilities)
  const clock = new ManualClock()
  const logged: unknown[][] = []
  const broker = createBroker({ driver, destinations: [keyed], routes: { keyed: route }, clock, random: () => 0.5, log: (...given) => void logged.push(given) })
  const consumer = await broker.consume(keyed, handler, options)
  const receiver = driver.receivers[0] as NaiveReceiver
  const send: SetUp['send'] = async (...orders) => {
    await broker.producer(keyed).sendBatch(orders.map(([n, customer]) => ({ n, customer })))
    await turns()
  }
  const pass: SetUp['pass'] = async (ms) => {
    for (let passed = 0; passed < ms; passed += 50) {
      clock.advance(Math.min(50, ms - passed))
      await turns()
    }
  }
  return { driver, clock, broker, consumer, receiver, logged, send, pass }
}

/** A handler that waits until the test lets it go. */
export function gate(): { handler: Handle; started: string[]; open: (n: number, error?: unknown) => Promise<void> } {
  const started: string[] = []
  const waiting = new Map<number, { resolve: (value?: unknown) => void; reject: (error: unknown) => void }>()
  return {
    started,
    handler: (message) =>
      new Promise((resolve, reject) => {
        started.push(`${message.body.n}${message.attempt > 1 ? `#${message.attempt}` : ''}`)
        waiting.set(message.body.n, { resolve, reject })
      }),
    open: async (n, error) => {
      const waiter = waiting.get(n)
      if (error === undefined) waiter?.resolve()
      else waiter?.reject(error)
      await turns()
    },
  }
}
