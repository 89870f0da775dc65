import type { Arrival } from './destinations.ts'

/** Who must get an arrival: the filter of the subscription, once more and written independently. */
export function subscribersOf({ minutesLate }: Arrival): readonly string[] {
  return minutesLate < 30 ? ['arrivals.dispatch'] : ['arrivals.dispatch', 'arrivals.complaints']
}
