import { createBroker, stream, type Broker } from '@busbar/core'
import type { LeaseStore } from '@busbar/core/driver'
import { kinesis } from '@busbar/kinesis'
import { region, type Account } from './read-stream.ts'

export interface Position {
  readonly truckId: string
  readonly number: number
}

/** What the processes of a group share. */
export const positions = stream<Position>('positions', { orderingKey: ({ truckId }) => truckId, messageId: ({ truckId, number }) => `${truckId}-${number}` })
export const plain = positions.subscription('plain', { startFrom: 'earliest' })
export const once = positions.subscription('once', { startFrom: 'earliest' })

export const times = { leaseMs: 3_000, checkpointMs: 500, lookMs: 500, listMs: 2_000 }
export const maxInFlight = 20
export const concurrency = 10

/** `store`: `undefined` only sends. */
export function brokerOf({ url, credentials }: Account, store: LeaseStore | undefined): Broker {
  return createBroker({
    driver: kinesis({ endpoint: url, region, credentials, readShare: 1, readIdleMs: 200, ...times, ...(store !== undefined && { store }) }),
    destinations: store === undefined ? [positions] : [positions, plain, once],
    routes: { positions: { options: { envelope: true, capacity: { shards: 3 } }, deadLetter: 'drop' } },
    provision: store === undefined ? 'create' : 'none',
  })
}
