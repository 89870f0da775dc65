import type { AnyDestination, Requirements } from '../definitions/types.ts'
import type { Capabilities } from '../driver/index.ts'
import type { Add } from './negotiate.ts'
import type { Planned } from './plan.ts'

/** What a destination asks for beyond order and delivery: by `requires`, by a subscription, or by a reply. */
export function checkRequirements(destination: AnyDestination, planned: Planned, capabilities: Capabilities, add: Add): void {
  const { requires } = destination.options
  if (planned.endpoint.parameters && capabilities.addressTemplates === 'none') add('addressTemplates')
  if (requires) checkRequires(requires, planned, capabilities, add)
  if (planned.endpoint.subscription) checkSubscription(planned, capabilities, add)
  if (destination.kind === 'queue' && destination.reply && !capabilities.requestReply) add('requestReply')
}

function checkRequires(requires: Requirements, { endpoint }: Planned, capabilities: Capabilities, add: Add): void {
  const { ordering, deduplication, maxMessageBytes, maxHeaders, priority } = capabilities
  const { deduplicationMs, bodyBytes, headers, priorityLevels, delayMs, timeToLiveMs } = requires
  if (requires.ordering === 'destination' && endpoint.keyed && ordering === 'key') add('oneOrder')
  if (deduplicationMs && !deduplication) add('deduplication', deduplicationMs)
  if (deduplicationMs && deduplication && deduplication.windowMs < deduplicationMs) add('deduplicationWindow', deduplicationMs, deduplication.windowMs)
  if (delayMs) checkLongest('delays', delayMs, capabilities.delay, add)
  if (timeToLiveMs) checkLongest('a time to live', timeToLiveMs, capabilities.timeToLive, add)
  if (bodyBytes && bodyBytes > maxMessageBytes) add('bodyBytes', bodyBytes, maxMessageBytes)
  if (headers && maxHeaders !== false && headers > maxHeaders) add('headers', headers, maxHeaders)
  if (priorityLevels && (!priority || priority.levels < priorityLevels)) add('priority', priorityLevels, priority ? priority.levels : 'none')
}

function checkLongest(what: string, wantedMs: number, has: { readonly maxMs: number } | false, add: Add): void {
  if (!has) add('wait', `${what} of up to ${wantedMs} ms`)
  else if (has.maxMs < wantedMs) add('longWait', `${what} of up to ${wantedMs} ms`, has.maxMs)
}

function checkSubscription({ endpoint }: Planned, capabilities: Capabilities, add: Add): void {
  const { subscription } = endpoint
  if (!subscription) return
  if (!capabilities.subscriptions) add('subscriptions')
  if (subscription.filter && capabilities.filter === 'none') add('filter', 'the body', 'body')
  if (subscription.headerFilter && capabilities.headerFilter === 'none') add('filter', 'headers', 'headers')
  const from = subscription.startFrom
  if (endpoint.kind !== 'stream' || from === undefined || from === 'latest') return
  const kind = from === 'earliest' ? 'earliest' : 'timestamp' in from ? 'timestamp' : 'position'
  if (!capabilities.replay || !capabilities.replay[kind]) add('startFrom', kind)
}
