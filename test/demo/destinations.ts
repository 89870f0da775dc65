import { queue, topic } from '@busbar/core'
import { z } from 'zod'

const Position = z.object({
  truckId: z.string(),
  sequence: z.int().positive(),
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
})
export type Position = z.input<typeof Position>

const DeliveryOrder = z.object({ orderId: z.string(), depot: z.string(), weightKg: z.number().positive() })
export type DeliveryOrder = z.input<typeof DeliveryOrder>

const Arrival = z.object({ arrivalId: z.string(), truckId: z.string(), minutesLate: z.number() })
export type Arrival = z.input<typeof Arrival>

const RouteRequest = z.object({ truckId: z.string(), depot: z.string() })
const Route = z.object({ truckId: z.string(), kilometres: z.number() })

/** GPS fixes: those of one truck are handled in the order sent, those of different trucks in parallel. */
export const positions = queue('positions', {
  schema: Position,
  orderingKey: (position) => position.truckId,
  messageId: (position) => `${position.truckId}.${position.sequence}`,
})

/** Work for whoever is free. */
export const deliveryOrders = queue('delivery-orders', { schema: DeliveryOrder, messageId: (order) => order.orderId })

/** News: a copy for every subscription. */
export const arrivals = topic('arrivals', { schema: Arrival, messageId: (arrival) => arrival.arrivalId })
export const dispatch = arrivals.subscription('dispatch')
export const complaints = arrivals.subscription('complaints', { filter: { minutesLate: [{ numeric: ['>=', 30] }] } })

/** Questions with answers. */
export const routes = queue('routes', { schema: RouteRequest, reply: Route })

export const destinations = [positions, deliveryOrders, arrivals, dispatch, complaints, routes]
