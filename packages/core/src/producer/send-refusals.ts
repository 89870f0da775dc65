import { BrokerError } from '../errors.ts'
import type { SendRefusal } from './send-options.ts'

type Text = (wanted: number, has: number) => string

const texts: Readonly<Record<SendRefusal['kind'], Text>> = {
  noDelay: () => 'this backend has no delayed send: send later, or route the destination to a driver with the delay capability',
  longDelay: (wanted, has) => `a delay of ${wanted} ms is longer than this backend takes (${has} ms)`,
  delayedKey: () =>
    "a delayed message would be overtaken by later ones of its ordering key: send it later, or accept that with ordering: 'best-effort' in the route",
  noTimeToLive: () => 'this backend has no time to live: drop old messages in the handler by their timestamp',
  longTimeToLive: (wanted, has) => `a time to live of ${wanted} ms is longer than this backend takes (${has} ms)`,
  noPriority: () => 'this backend has no priorities: use one queue per level',
  highPriority: (wanted, has) => `priority ${wanted} is above this backend's highest, ${has}`,
  headers: (wanted, has) => `${wanted} headers are more than this backend takes (${has})`,
  full: (wanted) => `${wanted} messages wait already; await sends, use sendBatch, or raise maxBuffered.`,
}

/** `ERR_THROTTLED` where the buffer is full, else `ERR_UNSUPPORTED`, with the remedy. */
export function refusalError({ kind, wanted, has }: SendRefusal, destination: string): BrokerError {
  return new BrokerError(kind === 'full' ? 'ERR_THROTTLED' : 'ERR_UNSUPPORTED', `${destination}: ${texts[kind](wanted, has)}`, { destination })
}
