import type { AnyDestination, Requirements } from '../definitions/types.ts'
import type { Capabilities } from '../driver/index.ts'
import { lazy } from '../lazy.ts'
import type { MismatchKind } from './mismatches.ts'
import type { Plan, Planned } from './plan.ts'

/** One thing that a destination needs and its driver does not have. */
export interface Mismatch {
  readonly planned: Planned
  readonly kind: MismatchKind
  readonly wanted: number | string
  readonly has: number | string
}

/** Compares what every destination requires with what its endpoint can do. Throws one `ERR_UNSUPPORTED` that lists every mismatch with its remedy. */
export async function negotiate(plan: Plan, found: ReadonlyMap<Planned, Capabilities>): Promise<void> {
  const mismatches = plan.all.flatMap((planned) => mismatchesOf(planned, found.get(planned)))
  if (mismatches.length > 0) throw (await lazy.mismatches()).mismatchError(mismatches)
}

type Add = (kind: MismatchKind, wanted?: number | string, has?: number | string) => void

function mismatchesOf(planned: Planned, capabilities: Capabilities | undefined): Mismatch[] {
  const mismatches: Mismatch[] = []
  const add: Add = (kind, wanted = '', has = '') => void mismatches.push({ planned, kind, wanted, has })
  if ('refused' in planned.declared) {
    add('refused', planned.declared.refused, planned.declared.remedy)
    return mismatches
  }
  if (!capabilities) return mismatches
  const destination = planned.definition?.kind === 'subscription' ? (planned.definition.of as AnyDestination) : planned.definition
  if (destination) checkDestination(destination, planned, capabilities, add)
  if (planned.endpoint.subscription) checkSubscription(planned, capabilities, add)
  if (destination?.kind === 'queue' && destination.reply && !capabilities.requestReply) add('requestReply')
  return mismatches
}

function checkDestination(destination: AnyDestination, { route, endpoint }: Planned, capabilities: Capabilities, add: Add): void {
  const requires: Requirements = destination.options.requires ?? {}
  const { ordering, deduplication, maxMessageBytes, maxHeaders, priority } = capabilities
  const lossy = route.delivery === 'at-most-once'
  if (endpoint.keyed && ordering === 'none') add('keyOrder')
  if (requires.ordering === 'destination' && endpoint.keyed && ordering === 'key') add('oneOrder')
  if (capabilities.delivery === 'at-most-once' && !lossy) add('delivery')
  if ((requires.confirms ?? true) && !capabilities.confirms && !lossy) add('confirms')
  if (destination.options.deduplicationId && !deduplication) add('deduplicationId')
  const { deduplicationMs, bodyBytes, headers, priorityLevels } = requires
  if (deduplicationMs && !deduplication) add('deduplication', deduplicationMs)
  if (deduplicationMs && deduplication && deduplication.windowMs < deduplicationMs) add('deduplicationWindow', deduplicationMs, deduplication.windowMs)
  if (requires.delayMs) checkLongest('delays', requires.delayMs, capabilities.delay, add)
  if (requires.timeToLiveMs) checkLongest('a time to live', requires.timeToLiveMs, capabilities.timeToLive, add)
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
