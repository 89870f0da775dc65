import { checkedNumber } from '../checked-number.ts'
import { BrokerError } from '../errors.ts'
import type { Place } from './operations.ts'
import type { RedriveOptions } from './types.ts'

/** A redrive by the broker's own means. It moves everything, as it is. */
export async function moveNatively(place: Place, options: RedriveOptions): Promise<{ readonly moved: number; readonly skipped: number }> {
  const { native, to, where, max, ratePerSecond, signal, onProgress } = options
  const { link, endpoint, capabilities, source, shared } = place
  if (native !== true) throw new TypeError('redrive: native must be true, or left out')
  if (where !== undefined || max !== undefined)
    throw new TypeError('redrive: with native: true the broker moves everything; where and max need the copies that are made without it')
  if (to === undefined) throw new TypeError('redrive: native: true needs an explicit target; set to, for example to the source itself')
  const unsupported = (text: string): BrokerError =>
    new BrokerError('ERR_UNSUPPORTED', `${source}: ${text} Redrive without native: true.`, { destination: source })
  if (capabilities.redrive !== 'native' || !link.move) throw unsupported('this broker moves no dead letters by itself.')
  if (shared) throw unsupported('other sources share its dead-letter place, and the broker would move theirs too.')
  const target = place.beside(to)
  if (target?.kind !== 'queue') throw unsupported(`${to.name} is not a queue of the driver that has the dead letters.`)
  if (ratePerSecond !== undefined) checkedNumber('redrive: ratePerSecond', ratePerSecond, 0.001, Infinity)
  signal?.throwIfAborted()
  const { moved } = await link.move(endpoint, target, {
    ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress: (count: number): void => onProgress({ moved: count, skipped: 0 }) }),
  })
  return { moved, skipped: 0 }
}
