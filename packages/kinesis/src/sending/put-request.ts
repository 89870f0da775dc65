import type { PutRecordsRequestEntry } from '@aws-sdk/client-kinesis'
import { Aggregator } from '../aggregation/aggregator.ts'
import { limits } from '../limits.ts'
import type { Item, Lane } from './lane.ts'
import { dataOf, userRecordOf } from './record.ts'

/** Kinesis needs a partition key of an aggregated record and does not use it, since the explicit hash key is given. */
const aggregatedKey = 'a'

/** One record of a request, with the messages that it holds. */
export interface Part {
  readonly entry: PutRecordsRequestEntry
  readonly items: readonly Item[]
  readonly lane: Lane
  readonly aggregated: boolean
}

/** The records of one `PutRecords`, within the limits of requests and of the shards that they go to. */
export class PutRequest {
  readonly parts: Part[] = []
  readonly #maxBytes: number
  readonly #aggregateBytes: number | undefined
  #bytes = 0

  /** `aggregateBytes`: of the largest aggregated record; `undefined` for none. */
  constructor(maxBytes: number, aggregateBytes: number | undefined) {
    this.#maxBytes = maxBytes
    this.#aggregateBytes = aggregateBytes
  }

  /** Takes from the head of the lane what may go now. */
  takeFrom(lane: Lane, now: number): void {
    let taken = 0
    while (taken < lane.queue.length && this.parts.length < limits.requestRecords && lane.gate.opensAt(now) <= now) {
      const part = this.#aggregated(lane, taken) ?? this.#single(lane, taken)
      if (part === undefined) break
      taken += part.items.length
      this.parts.push(part)
    }
    if (taken === 0) return
    lane.queue.splice(0, taken)
    lane.busy = lane.ordered || lane.gate.refuses
  }

  #single(lane: Lane, at: number): Part | undefined {
    const item = lane.queue[at] as Item
    const { partitionKey, explicitHashKey, bytes } = item.record
    if (!this.#has(bytes)) return undefined
    this.#count(lane, bytes)
    const entry = { Data: dataOf(item.record), PartitionKey: partitionKey, ...(explicitHashKey !== undefined && { ExplicitHashKey: explicitHashKey }) }
    return { entry, items: [item], lane, aggregated: false }
  }

  /** `undefined` where fewer than two messages can go together. */
  #aggregated(lane: Lane, from: number): Part | undefined {
    const { shard, queue } = lane
    if (this.#aggregateBytes === undefined || shard === undefined) return undefined
    const aggregator = new Aggregator(Math.min(this.#aggregateBytes, this.#maxBytes - this.#bytes) - aggregatedKey.length)
    const fits = ({ alone, record }: Item): boolean => !alone && aggregator.add(userRecordOf(record))
    let end = from
    while (end < queue.length && fits(queue[end] as Item)) end++
    const items = queue.slice(from, end)
    if (items.length < 2) return undefined
    this.#count(lane, aggregator.bytes + aggregatedKey.length)
    const entry = { Data: aggregator.build(), PartitionKey: aggregatedKey, ExplicitHashKey: String(shard.start) }
    return { entry, items, lane, aggregated: true }
  }

  /** A record that is larger than a request should be goes alone. */
  #has(bytes: number): boolean {
    return this.parts.length === 0 || this.#bytes + bytes <= this.#maxBytes
  }

  #count(lane: Lane, bytes: number): void {
    this.#bytes += bytes
    lane.gate.took(bytes)
  }
}
