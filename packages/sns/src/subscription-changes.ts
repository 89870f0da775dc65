import { isSameDocument } from '@busbar/sqs/shared'
import type { Attributes } from './api.ts'
import type { WantedSubscription } from './wanted.ts'

/** One difference between a subscription that is there and the one that is wanted. */
export interface SubscriptionChange {
  readonly text: string
  /** Attributes to set, in this order. */
  readonly set: readonly (readonly [name: string, value: string])[]
}

/** How a subscription that is there has to change. */
export function changesOf(wanted: WantedSubscription, current: Attributes): readonly SubscriptionChange[] {
  const { label, attributes, undeliveredArn } = wanted
  const changes: SubscriptionChange[] = []
  if (current['RawMessageDelivery'] !== attributes.RawMessageDelivery)
    changes.push({
      text: `Deliver to ${label} ${attributes.RawMessageDelivery === 'true' ? 'without' : 'with'} the envelope of SNS.`,
      set: [['RawMessageDelivery', attributes.RawMessageDelivery]],
    })
  changes.push(...filterChanges(wanted, current))
  // A policy that somebody has made is never changed.
  if (undeliveredArn !== undefined && (current['RedrivePolicy'] ?? '') === '')
    changes.push({
      text: `Let SNS put into ${undeliveredArn} what it cannot deliver to ${label}.`,
      set: [['RedrivePolicy', JSON.stringify({ deadLetterTargetArn: undeliveredArn })]],
    })
  return changes
}

function filterChanges({ label, attributes: { FilterPolicy, FilterPolicyScope } }: WantedSubscription, current: Attributes): SubscriptionChange[] {
  const policy = current['FilterPolicy'] ?? ''
  const scope = current['FilterPolicyScope'] ?? 'MessageAttributes'
  const isFiltered = policy !== '' && policy !== '{}'
  const isWanted = FilterPolicy !== ''
  if (isFiltered === isWanted && (!isWanted || (scope === FilterPolicyScope && isSameText(policy, FilterPolicy)))) return []
  const text = `${isWanted ? `Filter ${label} by ${FilterPolicy} on ${scopes[FilterPolicyScope]}` : `End the filter of ${label}`}, which takes SNS up to 15 minutes; it is ${isFiltered ? policy : 'not filtered'}.`
  // A policy of one scope may be illegal in the other: it has to go first, and everything passes for a moment.
  const change = isWanted && isFiltered && scope !== FilterPolicyScope
  const set: (readonly [string, string])[] = []
  if (change || !isWanted) set.push(['FilterPolicy', ''])
  if (isWanted && scope !== FilterPolicyScope) set.push(['FilterPolicyScope', FilterPolicyScope])
  if (isWanted) set.push(['FilterPolicy', FilterPolicy])
  return [{ text, set }]
}

const scopes: Readonly<Record<string, string>> = { MessageBody: 'bodies', MessageAttributes: 'headers' }

function isSameText(a: string, b: string): boolean {
  try {
    return isSameDocument(JSON.parse(a), JSON.parse(b))
  } catch {
    return a === b
  }
}
