import type { AnyDestination, Requirements } from '../definitions/types.ts'
import type { Capabilities } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import type { Plan, Planned } from './plan.ts'

/** One thing that a destination needs and its driver does not have. */
interface Mismatch {
  readonly label: string
  readonly driver: string
  readonly text: string
  readonly remedy: string
}

/** Compares what every destination requires with what its endpoint can do. Throws one `ERR_UNSUPPORTED` that lists every mismatch with its remedy. */
export function negotiate(plan: Plan, found: ReadonlyMap<Planned, Capabilities>): void {
  const mismatches = plan.all.flatMap((planned) => mismatchesOf(planned, found.get(planned)))
  if (mismatches.length === 0) return
  const lines = mismatches.map(({ label, driver, text, remedy }) => `- ${label} on ${driver}: ${text}. Remedy: ${remedy}.`)
  throw new BrokerError(
    'ERR_UNSUPPORTED',
    `${mismatches.length === 1 ? 'One requirement is' : `${mismatches.length} requirements are`} not met:\n${lines.join('\n')}`,
  )
}

function mismatchesOf(planned: Planned, capabilities: Capabilities | undefined): Mismatch[] {
  const { label, driver, declared } = planned
  const mismatches: Mismatch[] = []
  const add = (text: string, remedy: string): void => void mismatches.push({ label, driver: driver.name, text, remedy })
  if ('refused' in declared) {
    add(declared.refused, declared.remedy)
    return mismatches
  }
  if (!capabilities) return mismatches
  const destination = planned.definition?.kind === 'subscription' ? (planned.definition.of as AnyDestination) : planned.definition
  if (destination) checkDestination(destination, planned, capabilities, add)
  if (planned.endpoint.subscription) checkSubscription(planned, capabilities, add)
  if (destination?.kind === 'queue' && destination.reply && !capabilities.requestReply)
    add('it has no request-reply', 'route it to a driver with the requestReply capability')
  return mismatches
}

type Add = (text: string, remedy: string) => void

function checkDestination(destination: AnyDestination, { route, endpoint }: Planned, capabilities: Capabilities, add: Add): void {
  const requires: Requirements = destination.options.requires ?? {}
  if (endpoint.keyed && capabilities.ordering === 'none') {
    add(
      'it needs order per key, and this backend keeps none',
      "route it to a driver that orders by key (a FIFO queue, partitions), or accept disorder with ordering: 'best-effort' in the route",
    )
  }
  if (requires.ordering === 'destination' && endpoint.keyed && capabilities.ordering === 'key') {
    add(
      'it needs one order over all messages, and this backend orders per key only',
      "give all messages one ordering key, or accept disorder with ordering: 'best-effort' in the route",
    )
  }
  if (capabilities.delivery === 'at-most-once' && route.delivery !== 'at-most-once') {
    add('this backend can lose messages', "accept that with delivery: 'at-most-once' in the route, or route it elsewhere")
  }
  if ((requires.confirms ?? true) && !capabilities.confirms && route.delivery !== 'at-most-once') {
    add('this backend does not confirm sends', 'set requires.confirms to false in the definition, or route it elsewhere')
  }
  if (destination.options.deduplicationId && !capabilities.deduplication)
    add('it has a deduplicationId, and this backend does not deduplicate', 'use the idempotency middleware instead, or route it to a FIFO queue')
  if (requires.deduplicationMs && !capabilities.deduplication) {
    add(
      `it needs deduplication over ${requires.deduplicationMs} ms, and this backend does not deduplicate`,
      'use the idempotency middleware instead, or route it to a FIFO queue',
    )
  }
  if (requires.deduplicationMs && capabilities.deduplication && capabilities.deduplication.windowMs < requires.deduplicationMs) {
    add(
      `it needs deduplication over ${requires.deduplicationMs} ms, and this backend remembers ${capabilities.deduplication.windowMs} ms`,
      'use the idempotency middleware with a longer ttlMs',
    )
  }
  if (requires.delayMs) checkLongest('delays', requires.delayMs, capabilities.delay, add)
  if (requires.timeToLiveMs) checkLongest('a time to live', requires.timeToLiveMs, capabilities.timeToLive, add)
  if (requires.bodyBytes && requires.bodyBytes > capabilities.maxMessageBytes) {
    add(`it needs bodies of ${requires.bodyBytes} bytes, and this backend takes ${capabilities.maxMessageBytes}`, 'send less, compress, or use a claim check')
  }
  if (requires.headers && capabilities.maxHeaders !== false && requires.headers > capabilities.maxHeaders) {
    add(`it needs ${requires.headers} headers, and this backend takes ${capabilities.maxHeaders}`, 'put some of them into the body')
  }
  if (requires.priorityLevels && (!capabilities.priority || capabilities.priority.levels < requires.priorityLevels)) {
    add(
      `it needs ${requires.priorityLevels} priority levels, and this backend has ${capabilities.priority ? capabilities.priority.levels : 'none'}`,
      'use one queue per level',
    )
  }
}

function checkLongest(what: string, wantedMs: number, has: { readonly maxMs: number } | false, add: Add): void {
  if (!has) add(`it needs ${what} of up to ${wantedMs} ms, and this backend has none`, 'route it to a driver that has')
  else if (has.maxMs < wantedMs)
    add(`it needs ${what} of up to ${wantedMs} ms, and this backend takes at most ${has.maxMs} ms`, 'ask for less, or route it to a driver that takes more')
}

function checkSubscription({ endpoint }: Planned, capabilities: Capabilities, add: Add): void {
  const { subscription } = endpoint
  if (!subscription) return
  if (!capabilities.subscriptions) add('it has no subscriptions', 'route the topic or stream to a driver that has')
  const remedy = "let the consumer evaluate it with emulate: ['filter'] in the route (it then receives every message), or route it to a driver that filters"
  if (subscription.filter && capabilities.filter === 'none') add('it has a filter on the body, and this backend does not filter by body', remedy)
  if (subscription.headerFilter && capabilities.headerFilter === 'none') add('it has a filter on headers, and this backend does not filter by headers', remedy)
  const from = subscription.startFrom
  if (endpoint.kind !== 'stream' || from === undefined || from === 'latest') return
  const kind = from === 'earliest' ? 'earliest' : 'timestamp' in from ? 'timestamp' : 'position'
  if (!capabilities.replay || !capabilities.replay[kind])
    add(`it starts from ${kind}, and this backend cannot`, "start from 'latest', or route it to a driver with the replay capability")
}
