import type { _Record as NativeRecord, StartingPosition } from '@aws-sdk/client-kinesis'
import { isBrokerError } from '@busbar/core/driver'
import { kinesisError } from '../errors.ts'
import type { Checkpoint } from '../group/checkpoint.ts'
import type { Page, ReadRecord } from './shard-reader.ts'

/** How much earlier the reading begins where this clock's time stands for the service's: too early by that much rather than too late. */
const toleranceMs = 1_000
/** No more than this the two clocks can differ: signatures would be refused. */
const mostSkewMs = 300_000
/** Longer than a subscription lives without being renewed: after that, records may be gone that nobody has read. */
const freshMs = 300_000

/**
 * How far the reading of a shard has come: where to ask the service to go on, whenever that has to be asked anew, and which of the records that come are new.
 * Asked by the number of the last record, the service begins with that record. So it shows whether the record is still kept.
 */
export class Place {
  #from: Checkpoint
  /** When a page was wanted first, in milliseconds since the epoch. */
  #since: number | undefined
  /** What an event of a subscription says to go on after, and when it came. It counts on also where no records are. */
  #continuation: { readonly number: string; readonly at: number } | undefined
  /** Records up to this one are not new. */
  #done: bigint | undefined
  /** The record that has to come first, if it is still kept. */
  #awaited: bigint | undefined
  /** The time that was asked for last, if it was one. */
  #asked: number | undefined

  constructor(from: Checkpoint) {
    this.#from = from
    if (from.kind !== 'after') return
    const { sequence, subSequence } = from.position
    this.#done = subSequence === undefined ? sequence : sequence - 1n
  }

  /** A page is wanted now. It may be long until it is asked for, and `latest` is what is written from now on. */
  begin(now: number): void {
    this.#since ??= now
  }

  /** How long until the time at which it begins, which the service refuses before, in milliseconds; 0 if there is nothing to wait for. */
  earlyMs(now: number): number {
    return this.#from.kind === 'time' ? Math.max(0, this.#from.timestamp - now) : 0
  }

  /** Where to go on. */
  ask(now: number): StartingPosition {
    this.#asked = undefined
    const from = this.#from
    const { number, at = 0 } = this.#continuation ?? {}
    // Where it is old, the last record shows whether what was behind it is still kept.
    if (number !== undefined && (now - at < freshMs || from.kind !== 'after')) return { Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: number }
    switch (from.kind) {
      case 'horizon':
        return { Type: 'TRIM_HORIZON' }
      case 'latest':
        // Asked a second time, or late, the latest record would be another one: what has come in between would be left out.
        this.#from = { kind: 'time', timestamp: Math.floor(this.#since ?? now) - toleranceMs }
        return now - (this.#since ?? now) > toleranceMs ? this.ask(now) : { Type: 'LATEST' }
      case 'time':
        this.#asked = from.timestamp
        return { Type: 'AT_TIMESTAMP', Timestamp: new Date(from.timestamp) }
      case 'after':
        this.#awaited = from.position.sequence
        return { Type: 'AT_SEQUENCE_NUMBER', SequenceNumber: String(from.position.sequence) }
    }
  }

  /** What to make of the refusal of what was asked: a time that has not come yet by the service's clock will have come soon. */
  refusal(error: unknown, now: number): unknown {
    if (!isBrokerError(error) || error.code !== 'ERR_INVALID' || this.#asked === undefined || this.#asked <= now - mostSkewMs) return error
    return kinesisError('ERR_UNAVAILABLE', `${error.message}; the clock of the service may be behind this one`, { cause: error })
  }

  /** The answer. Throws `ERR_UNAVAILABLE` if it makes no sense; it counts for nothing then. */
  take(natives: readonly NativeRecord[], millisBehindLatest: number | undefined): Page {
    const all = natives.map(readRecord)
    const [first] = all
    const trimmed = first !== undefined && this.#awaited !== undefined && first.sequence > this.#awaited ? this.#awaited : undefined
    const done = this.#done
    const records = done !== undefined && first !== undefined && first.sequence <= done ? all.filter(({ sequence }) => sequence > done) : all
    const last = records.at(-1)
    if (last !== undefined) {
      this.#done = last.sequence
      this.#from = { kind: 'after', position: { sequence: last.sequence, subSequence: undefined } }
    }
    if (first !== undefined) this.#awaited = undefined
    return { records, millisBehindLatest, ...(trimmed !== undefined && { trimmedAfter: trimmed }) }
  }

  /** An event says where to go on after it. `now`: in milliseconds since the epoch. */
  continueAfter(number: string, now: number): void {
    this.#continuation = { number, at: now }
  }
}

function readRecord({ SequenceNumber, PartitionKey, Data, ApproximateArrivalTimestamp }: NativeRecord): ReadRecord {
  if (SequenceNumber === undefined || !/^\d+$/.test(SequenceNumber) || Data === undefined)
    throw kinesisError('ERR_UNAVAILABLE', 'kinesis: the answer holds a record without a number or without data')
  return { sequence: BigInt(SequenceNumber), digits: SequenceNumber, partitionKey: PartitionKey, data: Data, arrivedAt: ApproximateArrivalTimestamp?.getTime() }
}
