import { queue, text } from '@busbar/core'

// What the old terminals know of the same queues: names and keys, but no schema. They send whatever they like.

export const legacyPositions = queue<{ readonly truckId: string }>('positions', { orderingKey: (position) => position.truckId })
export const legacyOrders = queue('delivery-orders', { codec: text })

export const legacyDestinations = [legacyPositions, legacyOrders]
