import type { Endpoint } from '@busbar/core/driver'
import type { Admin } from './admin.ts'
import { argumentsOf } from './declaring.ts'
import type { ResolvedOptions } from './options.ts'
import { resourcesOf } from './resources.ts'

/** Whether a message that is rejected goes to the endpoint's dead-letter place, from each of `queues`, which exist. No, where the broker does not let us ask. */
export async function deadLettersNatively(
  endpoint: Endpoint,
  queues: readonly string[],
  options: ResolvedOptions,
  admin: Admin,
  signal: AbortSignal = new AbortController().signal,
): Promise<boolean> {
  const { deadLetterName: place } = endpoint
  if (place === undefined) return false
  if ((await admin.find(`Looking for queue ${place}`, (channel) => channel.checkQueue(place), signal)) === undefined) return false
  for (const resource of resourcesOf([endpoint], options)) {
    if (resource.kind !== 'queue' || !queues.includes(resource.name)) continue
    const current = await argumentsOf(admin, resource, signal)
    if (current?.['x-dead-letter-exchange'] !== '' || current['x-dead-letter-routing-key'] !== place) return false
  }
  return true
}
