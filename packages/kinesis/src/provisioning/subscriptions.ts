import { isBrokerError, type Change, type Endpoint } from '@busbar/core/driver'
import { justSeenMs, type Api } from '../api.ts'
import { addressOf, streamOf } from '../names.ts'
import { FanOutConsumer } from '../reading/fan-out-consumer.ts'
import { GroupContext, subscriptionName } from '../receiving/group-context.ts'
import { workerName } from '../receiving/worker-name.ts'
import { resolveRouteOptions } from '../route-options.ts'
import type { TopologyParts } from './topology.ts'

/** Consumers of enhanced fan-out that are needed and not registered. `streamArn`: `undefined` for a stream that is still to be made. */
export async function missingConsumers(
  endpoints: readonly Endpoint[],
  streamArn: string | undefined,
  api: Api,
  signal: AbortSignal,
): Promise<readonly Change[]> {
  const changes: Change[] = []
  for (const endpoint of endpoints.filter(needsConsumer)) {
    const name = subscriptionName(endpoint)
    const resource = `consumer ${name} of ${addressOf(streamOf(endpoint.name))}`
    if (streamArn !== undefined && (await isRegistered(api, streamArn, name, resource, signal))) continue
    changes.push({ resource, kind: 'create', text: `Register the ${resource}, for enhanced fan-out.`, permission: 'kinesis:RegisterStreamConsumer' })
  }
  return changes
}

/** Registers what is missing, and writes down where each subscription begins, so that nothing that is sent from now on is left out. */
export async function beginGroups(endpoints: readonly Endpoint[], { api, services, groupOf }: TopologyParts, signal: AbortSignal): Promise<void> {
  for (const endpoint of endpoints.filter(isSource)) {
    const stream = streamOf(endpoint.name)
    if (needsConsumer(endpoint)) await new FanOutConsumer({ api, services, stream, name: subscriptionName(endpoint), register: true }).arn(signal)
    const parts = groupOf(endpoint)
    if (parts !== undefined) await (await GroupContext.of(parts, signal, justSeenMs)).begin(workerName(services.random), signal)
  }
}

async function isRegistered(api: Api, streamArn: string, name: string, resource: string, signal: AbortSignal): Promise<boolean> {
  try {
    await api.describeConsumer(streamArn, name, { doing: `Looking at the ${resource}`, signal })
    return true
  } catch (error) {
    if (isBrokerError(error) && error.code === 'ERR_NOT_FOUND') return false
    throw error
  }
}

/** Is it received from? */
function isSource({ kind, subscription }: Endpoint): boolean {
  return kind === 'queue' || subscription !== undefined
}

/** Is it received from by enhanced fan-out? */
export function needsConsumer(endpoint: Endpoint): boolean {
  return isSource(endpoint) && resolveRouteOptions(endpoint).fanOut
}
