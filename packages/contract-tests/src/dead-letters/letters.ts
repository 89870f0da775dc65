import type { Broker, DeadLetter } from '@busbar/core'
import type { Capabilities } from '@busbar/core/driver'
import type { TextPlace } from '../kit/broker-kit.ts'
import type { CaseContext } from '../kit/context.ts'

export const kept = ({ settlement, deadLetter: place }: Capabilities): boolean => settlement !== false && place !== 'none'
export const received = (capabilities: Capabilities): boolean => kept(capabilities) && capabilities.peek !== 'none'
export const redriven = (capabilities: Capabilities): boolean => kept(capabilities) && capabilities.redrive !== 'none'

export async function open(context: CaseContext): Promise<{ readonly place: TextPlace; readonly broker: Broker }> {
  const place = context.api.place()
  return { place, broker: await context.api.broker(place) }
}

/** Waits for `count` dead letters. */
export function letters(context: CaseContext, broker: Broker, place: TextPlace, count: number): Promise<readonly DeadLetter[]> {
  return context.waiting.poll(
    () => broker.deadLetters(place.source).peek({ max: 8 * count + 8 }),
    // Each at least once, as everything else.
    (found) => new Set(found.map(textOfLetter)).size === count,
    (found) => `there are ${count} dead letters, not ${found.length}`,
    60_000 + context.harness.bounds.arrivalMs,
    200,
  )
}

export function textOfLetter({ body }: Pick<DeadLetter, 'body'>): string {
  return typeof body === 'string' ? body : new TextDecoder().decode(body)
}

/** Headers have no order. */
export function sorted(headers: Readonly<Record<string, string>>): (readonly [string, string])[] {
  return Object.entries(headers).toSorted(([a], [b]) => (a < b ? -1 : 1))
}
