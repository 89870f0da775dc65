import type { Endpoint } from '@busbar/core/driver'
import { filterName, markerName, membersName, partitionName, partitionNames, queueName } from './names.ts'
import { viaOf } from './resources.ts'
import type { ResolvedRouteOptions } from './route-options.ts'

/** What an endpoint takes at the broker besides the resource that it is named after, in the words of `address`. */
export function reservedBy(endpoint: Endpoint, route: ResolvedRouteOptions): readonly string[] {
  if (endpoint.kind === 'topic' && endpoint.subscription === undefined) return []
  const base = queueName(endpoint)
  const reserved: string[] = []
  if (route.partitions > 0) {
    // The one after the last tells that there are more partitions than the option says.
    const queues = [...partitionNames(base, route.partitions), partitionName(base, route.partitions), membersName(base)]
    reserved.push(...queues.map((name) => `queue ${name}`), `exchange ${markerName(base)}`)
  }
  if (endpoint.subscription !== undefined && route.exchangeType === 'headers') reserved.push(`exchange ${viaOf(endpoint)}`, `exchange ${filterName(base)}`)
  return reserved
}
