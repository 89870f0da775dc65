import type { Capabilities } from '@busbar/core/driver'
import { editSent } from '../edits.ts'
import type { Alterations } from '../alter.ts'
import type { Mutant } from '../mutant.ts'

/** A claim that is not true: the fault is in the capabilities alone. */
export function claiming(claim: (claimed: Capabilities) => Partial<Capabilities>): Alterations {
  return {
    capabilities: (claimed) => ('refused' in claimed ? claimed : Object.freeze({ ...claimed, ...claim(claimed) })),
    inspect: async (next) => {
      const inspected = await next()
      return Object.freeze({ ...inspected, ...claim(inspected) })
    },
  }
}

/** Claims it, and leaves it out of what is sent, as a driver does that knows nothing of it. */
const claimedAndIgnored = (claim: Partial<Capabilities>, field: 'delayMs' | 'deduplicationId' | 'timeToLiveMs' | 'priority') => (): Alterations => ({
  ...claiming(() => claim),
  ...editSent((message) => ({ ...message, [field]: undefined })),
})

const yearMs = 31_536_000_000

export const scheduleFaults: readonly Mutant[] = [
  {
    name: 'delay-ignored',
    fault: 'delivers delayed messages at once',
    killedBy: 'sending/delay',
    alterations: () => editSent((message) => ({ ...message, delayMs: undefined })),
  },
  {
    name: 'delay-early',
    fault: 'delivers delayed messages at half time',
    killedBy: 'sending/delay',
    alterations: () => editSent((message) => ({ ...message, delayMs: message.delayMs === undefined ? undefined : message.delayMs / 2 })),
  },
  {
    name: 'delay-late',
    fault: 'delivers delayed messages a minute late',
    killedBy: 'sending/delay',
    alterations: () => editSent((message) => ({ ...message, delayMs: message.delayMs === undefined ? undefined : message.delayMs + 60_000 })),
  },
  {
    name: 'delay-on-all-of-batch',
    fault: 'delays all messages of a batch as one of them asks',
    killedBy: 'sending/delay',
    alterations: () => editSent((message, _index, batch) => ({ ...message, delayMs: batch.find(({ delayMs }) => delayMs !== undefined)?.delayMs })),
  },
  {
    name: 'delay-on-wrong-message',
    fault: 'delays the message before the one that asks',
    killedBy: 'sending/delay',
    alterations: () => editSent((message, index, batch) => ({ ...message, delayMs: batch[index + 1]?.delayMs })),
  },
  {
    name: 'long-delay-clamped',
    fault: 'shortens long delays to 15 minutes',
    killedBy: 'sending/longest-delay',
    alterations: () => editSent((message) => ({ ...message, delayMs: message.delayMs === undefined ? undefined : Math.min(message.delayMs, 900_000) })),
  },
  {
    name: 'delay-claimed',
    fault: 'claims delays and ignores them',
    killedBy: 'sending/delay',
    profile: 'sqs-fifo',
    alterations: claimedAndIgnored({ delay: { maxMs: 900_000, resolutionMs: 0 } }, 'delayMs'),
  },
  {
    name: 'deduplication-ignored',
    fault: 'stores messages with a repeated deduplication id',
    killedBy: 'sending/deduplication',
    alsoKilledBy: ['sending/deduplication-of-keys'],
    alterations: () => editSent((message) => ({ ...message, deduplicationId: undefined })),
  },
  {
    name: 'deduplication-of-keys-alone',
    fault: 'stores repeats of messages without a key where others have keys',
    killedBy: 'sending/deduplication-without-keys',
    alterations: () =>
      editSent((message, _index, _batch, { keyed }) => (keyed && message.key === undefined ? { ...message, deduplicationId: undefined } : message)),
  },
  {
    name: 'deduplication-for-ever',
    fault: 'never forgets a deduplication id',
    killedBy: 'sending/deduplication',
    alterations: () => {
      const known = new Set<string>()
      return editSent((message) => {
        if (message.deduplicationId === undefined) return message
        if (known.has(message.deduplicationId)) return undefined
        known.add(message.deduplicationId)
        return message
      })
    },
  },
  {
    name: 'deduplication-by-message-id',
    fault: 'takes the identity of a message for its deduplication id',
    killedBy: 'sending/deduplication',
    alterations: () => editSent((message) => ({ ...message, deduplicationId: message.deduplicationId ?? message.id })),
  },
  {
    name: 'identity-taken-for-repeat',
    fault: 'drops a message with the identity of another, and claims no deduplication',
    killedBy: 'sending/one-identity-twice',
    profile: 'sqs-standard',
    alterations: () => {
      const known = new Set<string>()
      return editSent((message) => {
        if (known.has(message.id)) return undefined
        known.add(message.id)
        return message
      })
    },
  },
  {
    name: 'deduplication-on-redrive',
    fault: 'drops a republished message as a repeat',
    killedBy: 'dead-letters/redrive-inside-deduplication-window',
    alterations: () => editSent((message) => ({ ...message, deduplicationId: message.id })),
  },
  {
    name: 'deduplication-claimed',
    fault: 'claims deduplication and does not do it',
    killedBy: 'sending/deduplication',
    profile: 'sqs-standard',
    alterations: claimedAndIgnored({ deduplication: { windowMs: 300_000 } }, 'deduplicationId'),
  },
  {
    name: 'time-to-live-ignored',
    fault: 'delivers messages past their time to live',
    killedBy: 'sending/time-to-live',
    alterations: () => editSent((message) => ({ ...message, timeToLiveMs: undefined })),
  },
  {
    name: 'time-to-live-early',
    fault: 'takes milliseconds of time to live for microseconds',
    killedBy: 'sending/time-to-live',
    alterations: () => editSent((message) => ({ ...message, timeToLiveMs: message.timeToLiveMs === undefined ? undefined : message.timeToLiveMs / 1000 })),
  },
  {
    name: 'time-to-live-halved',
    fault: 'drops messages when half of their time to live is over',
    killedBy: 'sending/time-to-live',
    alterations: () => editSent((message) => ({ ...message, timeToLiveMs: message.timeToLiveMs === undefined ? undefined : message.timeToLiveMs / 2 })),
  },
  {
    name: 'time-to-live-claimed',
    fault: 'claims a time to live and ignores it',
    killedBy: 'sending/time-to-live',
    profile: 'sqs-standard',
    alterations: claimedAndIgnored({ timeToLive: { maxMs: yearMs } }, 'timeToLiveMs'),
  },
  {
    name: 'priority-ignored',
    fault: 'delivers by age whatever the priority',
    killedBy: 'sending/priority',
    alterations: () => editSent((message) => ({ ...message, priority: undefined })),
  },
  {
    name: 'priority-inverted',
    fault: 'delivers low priorities first',
    killedBy: 'sending/priority',
    alterations: () => editSent((message) => ({ ...message, priority: 9 - (message.priority ?? 0) })),
  },
  {
    name: 'priority-claimed',
    fault: 'claims priorities and ignores them',
    killedBy: 'sending/priority',
    profile: 'sqs-standard',
    alterations: claimedAndIgnored({ priority: { levels: 10 } }, 'priority'),
  },
]
