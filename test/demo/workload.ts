import type { Arrival, DeliveryOrder, Position } from './destinations.ts'

/** Something to send, and what is going to happen to it. */
export interface Planned<Body> {
  readonly id: string
  readonly body: Body
  /** Sent once more, as a sender does that has missed the confirmation. */
  readonly twice: boolean
}

export interface Truck {
  readonly id: string
  /** Fixes gathered on the road and sent together. */
  readonly bursts: readonly (readonly Planned<Position>[])[]
  /** Fixes without a position, from an old terminal: nobody can mend them. */
  readonly blind: readonly Planned<object>[]
}

export interface Workload {
  readonly trucks: readonly Truck[]
  readonly orders: readonly Planned<DeliveryOrder>[]
  /** Orders from an old terminal, with the weight as a text: the schema refuses them, but they can be mended. */
  readonly malformedOrders: readonly Planned<string>[]
  readonly arrivals: readonly Planned<Arrival>[]
}

/** A depot that the handlers do not know until somebody adds it. */
export const newDepot = 'Holtenau'
export const depots: readonly string[] = ['Altona', 'Barmbek', 'Dammtor', 'Eppendorf', 'Finkenwerder']

const mostTrucks = 100
const burstSize = 4

/** Plans about `messages` messages: 60 % positions, 25 % orders, 15 % arrivals. The same number gives the same plan. */
export function planWorkload(messages: number): Workload {
  const orders = Math.round(messages * 0.25)
  const trucks = Math.min(mostTrucks, Math.round(messages * 0.6))
  const fixes = Math.round((messages * 0.6) / trucks)
  return {
    trucks: count(trucks, (index) => truck(index, fixes)),
    orders: count(orders, order).filter((_, index) => !isMalformed(index)),
    malformedOrders: count(orders, malformedOrder).filter((_, index) => isMalformed(index)),
    arrivals: count(messages - orders - fixes * trucks, arrival),
  }
}

/** How often the handler fails before it succeeds. */
export function failuresOf(id: string): number {
  const number = Number(id.replaceAll(/\D/g, ''))
  return number % 40 === 11 ? 2 : number % 20 === 3 ? 1 : 0
}

function truck(index: number, fixes: number): Truck {
  const id = `truck-${index}`
  const fix = (sequence: number): Planned<Position> => ({
    id: `${id}.${sequence}`,
    body: { truckId: id, sequence, latitude: 53.5 + sequence / 1_000, longitude: 10 - index / 1_000 },
    twice: (index + sequence) % 50 === 0,
  })
  const bursts = count(Math.ceil(fixes / burstSize), (burst) => count(Math.min(burstSize, fixes - burst * burstSize), (at) => fix(burst * burstSize + at + 1)))
  const blind = index % 20 === 0 ? [{ id: `${id}.blind`, body: { truckId: id, sequence: 0, latitude: null, longitude: null }, twice: false }] : []
  return { id, bursts, blind }
}

function order(index: number): Planned<DeliveryOrder> {
  const orderId = `order-${index}`
  const depot = index % 60 === 31 ? newDepot : (depots[index % depots.length] as string)
  return { id: orderId, body: { orderId, depot, weightKg: 10 + (index % 90) / 2 }, twice: index % 25 === 8 && depot !== newDepot }
}

function malformedOrder(index: number): Planned<string> {
  const { id, body } = order(index)
  return { id, body: JSON.stringify({ ...body, weightKg: String(body.weightKg).replace('.', ',') }), twice: false }
}

function isMalformed(index: number): boolean {
  return index % 50 === 17
}

function arrival(index: number): Planned<Arrival> {
  const arrivalId = `arrival-${index}`
  return { id: arrivalId, body: { arrivalId, truckId: `truck-${index % mostTrucks}`, minutesLate: (index * 7) % 60 }, twice: index % 30 === 4 }
}

function count<T>(length: number, make: (index: number) => T): T[] {
  return Array.from({ length }, (_, index) => make(index))
}
