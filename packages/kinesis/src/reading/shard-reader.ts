import type { BrokerError, Services } from '@busbar/core/driver'
import type { Api } from '../api.ts'
import type { Checkpoint } from '../group/checkpoint.ts'
import type { StreamName } from '../names.ts'

/** A record of Kinesis, which may be an aggregated one. */
export interface ReadRecord {
  readonly sequence: bigint
  /** The same in decimal digits, as it came: to write them anew costs more than anything else that is done with a record. */
  readonly digits: string
  /** `undefined` on streams that distribute records by themselves (`AUTO`), when the producer gave none. */
  readonly partitionKey: string | undefined
  readonly data: Uint8Array
  /** In milliseconds since the epoch, by the clock of the service; not always in the order of the records. */
  readonly arrivedAt: number | undefined
}

/** What one answer of the service held. */
export interface Page {
  /** In the order of the shard. May be empty, also when there are records further on. */
  readonly records: readonly ReadRecord[]
  /** How far the page is behind the present, in milliseconds. */
  readonly millisBehindLatest: number | undefined
  /**
   * The record to read behind is not kept any more, and the page begins with the oldest one that is: what was between them is lost. That may be nothing, since
   * a shard into which nothing was written for as long as records are kept looks the same.
   */
  readonly trimmedAfter?: bigint
}

export interface ShardReaderOptions {
  readonly api: Api
  readonly services: Services
  readonly stream: StreamName
  readonly shard: string
  /** `after` with a sub-sequence number reads the record of that sequence number again: the caller skips what is done of it. */
  readonly from: Checkpoint
  /** Ends the reading: the iteration returns. */
  readonly signal: AbortSignal
  /** Something did not work, and is tried again. */
  readonly failed: (error: BrokerError) => void
  /** It reads again after `failed`. */
  readonly recovered: () => void
}

/**
 * Pages in the order of the shard, no record twice and none left out. Returns `ended` when the shard, closed by a split or merge, has been read to its end, and
 * `aborted` when the signal has fired. Throws what trying again does not mend: `ERR_NOT_FOUND` (stream, shard or consumer), `ERR_ACCESS_DENIED`, `ERR_INVALID` (no
 * position of the shard), `ERR_CONFIGURATION` (the key of an encrypted stream). While no page is asked for, nothing is read.
 */
export type ShardReader = (options: ShardReaderOptions) => AsyncGenerator<Page, 'ended' | 'aborted', void>
