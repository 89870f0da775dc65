import type { AnySource, Broker, DeadLetter } from '@busbar/core'
import { deliveryOrders, positions, type DeliveryOrder } from './destinations.ts'
import type { Extras } from './extras.ts'
import type { Ledger } from './ledger.ts'

export interface RepairReport {
  /** Given up after all attempts, and sent back to their queue. */
  readonly redriven: number
  /** Malformed, mended by hand and sent again. */
  readonly mended: number
}

/** What an operator does: look at the dead letters, send back what a new version of the handler can handle, mend what can be mended. */
export async function repairDeadLetters(broker: Broker, ledger: Ledger, extras: Extras): Promise<RepairReport> {
  const [blind, orders] = await Promise.all([look(broker, positions), look(broker, deliveryOrders)])
  for (const { id } of blind) ledger.gaveUp('positions', String(id))
  for (const { id } of orders) ledger.gaveUp('delivery-orders', String(id))

  const exhausted = distinct(orders.filter(isExhausted))
  for (const id of exhausted) ledger.revived('delivery-orders', id)
  await broker.deadLetters(deliveryOrders).redrive({ where: isExhausted })

  const mended = new Map(orders.flatMap((deadLetter) => mend(deadLetter) ?? []).map((order) => [order.orderId, order]))
  const producer = broker.producer(deliveryOrders, { use: extras.orderSenders })
  for (const [id, order] of mended) {
    await producer.send(order)
    ledger.revived('delivery-orders', id)
  }
  await broker.deadLetters(deliveryOrders).discard({ where: ({ id }) => mended.has(String(id)) })
  return { redriven: exhausted.length, mended: mended.size }
}

/** Discards what nobody can mend. Answers the ids that were found. */
export async function discardRest(broker: Broker): Promise<readonly string[]> {
  const left = await Promise.all(
    [positions, deliveryOrders].map(async (source) => {
      const ids = distinct(await look(broker, source)).map((id) => `${source.name} ${id}`)
      await broker.deadLetters<AnySource>(source).discard()
      return ids
    }),
  )
  return left.flat()
}

function look(broker: Broker, source: AnySource): Promise<readonly DeadLetter[]> {
  return broker.deadLetters(source).peek({ max: 1_000_000 })
}

function isExhausted({ info }: DeadLetter): boolean {
  return info?.reason === 'attempts exhausted'
}

/** The old terminals write weights with a comma, as text. */
function mend(deadLetter: DeadLetter): DeliveryOrder | undefined {
  if (isExhausted(deadLetter)) return undefined
  const body = typeof deadLetter.body === 'string' ? deadLetter.body : new TextDecoder().decode(deadLetter.body)
  const order = JSON.parse(body) as Omit<DeliveryOrder, 'weightKg'> & { readonly weightKg: string }
  return { ...order, weightKg: Number(order.weightKg.replace(',', '.')) }
}

function distinct(deadLetters: readonly DeadLetter[]): string[] {
  return [...new Set(deadLetters.map(({ id }) => String(id)))]
}
