import type { PutRecordsResultEntry } from '@aws-sdk/client-kinesis'
import type { BrokerError } from '@busbar/core/driver'
import type { Item } from './lane.ts'
import type { Part } from './put-request.ts'
import { notSent, unconfirmed } from './results.ts'

/** Gives up those that are concerned, and answers with the others. */
export function failThose(items: readonly Item[], failure: BrokerError, concerns: (item: Item) => boolean): Item[] {
  settleFailed(items.filter(concerns), failure, 'no')
  return items.filter((item) => !concerns(item))
}

/** What goes alone has been stored in an aggregated record, which some readers do take. */
export function settleFailed(items: readonly Item[], failure: BrokerError, stored: 'no' | 'unknown'): void {
  for (const { batch, index, alone } of items) batch.settle(index, stored === 'no' && !alone ? notSent(failure) : unconfirmed(failure))
}

/** Each with its position; their batches are told afterwards. */
export function settleStored({ items, aggregated }: Part, { SequenceNumber = '' }: PutRecordsResultEntry): void {
  for (const [subSequence, { batch, index }] of items.entries())
    batch.keep(index, { ok: true, position: aggregated ? `${SequenceNumber}:${subSequence}` : SequenceNumber })
}
