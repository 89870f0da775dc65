import { isBrokerError, type BrokerError, type ErrorCode, type Outgoing, type Sender, type SendResult, type Services } from '@busbar/core/driver'
import type { Api } from './api.ts'
import { kinesisError } from './errors.ts'
import { addressOf, type StreamName } from './names.ts'
import type { ResolvedRouteOptions } from './route-options.ts'
import { Batch } from './sending/batch.ts'
import { Dispatcher } from './sending/dispatcher.ts'
import type { Item } from './sending/lane.ts'
import { partitionKeyOf, prepareRecord, type PreparedRecord } from './sending/record.ts'
import { notSent } from './sending/results.ts'
import { HashKeys } from './shards/hash-key.ts'
import { checkDistribution, loadShape } from './shards/stream-shape.ts'

export interface SenderParts {
  readonly stream: StreamName
  /** The order of keys must be kept. */
  readonly keyed: boolean
  readonly route: ResolvedRouteOptions
  readonly maxRequestBytes: number
  readonly shardShare: number
  readonly api: Api
  readonly services: Services
}

/** Sends to one stream. Requests are filled by its {@link Dispatcher} from all calls of `send` that are out. */
export class KinesisSender implements Sender {
  readonly writable: boolean = true
  onWritable: (() => void) | undefined
  readonly #parts: SenderParts
  readonly #doing: string
  readonly #dispatcher: Dispatcher
  readonly #hashKeys: HashKeys = new HashKeys()
  /** Of messages with envelopes, whose size is asked for before they are sent. */
  readonly #prepared: WeakMap<Outgoing, PreparedRecord | BrokerError> = new WeakMap()
  #closed = false

  constructor(parts: SenderParts) {
    this.#parts = parts
    this.#doing = `Sending to ${addressOf(parts.stream)}`
    const { stream, keyed, api, services, route, maxRequestBytes, shardShare } = parts
    this.#dispatcher = new Dispatcher({
      stream,
      api,
      services,
      maxRequestBytes,
      shardShare,
      aggregateBytes: route.aggregateBytes,
      load: async () => {
        const shape = await loadShape(api, stream, { doing: this.#doing })
        if (shape.shards === undefined) checkDistribution(stream, keyed, route)
        return shape
      },
    })
  }

  async send(batch: readonly Outgoing[], signal: AbortSignal, stored?: (index: number, position?: string) => void): Promise<readonly SendResult[]> {
    if (this.#closed) return batch.map(() => notSent(kinesisError('ERR_CLOSED', `${this.#doing}: the sender is closed`)))
    if (signal.aborted) return batch.map(() => notSent(kinesisError('ERR_TIMEOUT', `${this.#doing}: there was no time left to send the message`)))
    const since = this.#parts.services.clock.monotonic()
    const items: Item[] = []
    const results = new Batch(batch.length, stored)
    for (const [index, message] of batch.entries()) {
      const record = this.#prepared.get(message) ?? this.#checkedRecord(message)
      if (isBrokerError(record)) results.settle(index, notSent(record))
      else items.push({ record, signal, since, alone: false, batch: results, index })
    }
    if (items.length > 0) this.#dispatcher.add(items)
    return results.results
  }

  sizeOf(message: Outgoing): number {
    // What is counted so quickly is not worth remembering.
    if (!this.#parts.route.envelope) return message.bodyBytes + Buffer.byteLength(partitionKeyOf(message))
    const record = this.#checkedRecord(message)
    this.#prepared.set(message, record)
    return isBrokerError(record) ? message.bodyBytes : record.bytes
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  /** Or why the service would refuse it, with the whole request, and what a record cannot carry. */
  #checkedRecord(message: Outgoing): PreparedRecord | BrokerError {
    const { route } = this.#parts
    const refused = (code: ErrorCode, why: string): BrokerError => kinesisError(code, `${this.#doing}: ${why}`, { messageId: message.id })
    const missing = wishes(message)
    if (missing !== undefined) return refused('ERR_UNSUPPORTED', missing)
    const homeless = route.envelope ? undefined : homelessPart(message)
    if (homeless !== undefined) return refused('ERR_UNSUPPORTED', `a plain record has no place for ${homeless}; set envelope: true in the options of the route`)
    let record: PreparedRecord
    try {
      record = prepareRecord(message, route, this.#hashKeys)
    } catch (error) {
      return refused('ERR_INVALID', error instanceof Error ? error.message : String(error))
    }
    const { bytes } = record
    return bytes > route.maxRecordBytes ? refused('ERR_TOO_LARGE', `it has ${bytes} bytes with its key, and a record at most ${route.maxRecordBytes}`) : record
  }
}

/** What Kinesis does not do for single records. */
function wishes({ timeToLiveMs, priority, delayMs, deduplicationId }: Outgoing): string | undefined {
  if (timeToLiveMs !== undefined) return 'Kinesis has no lifetime of single records'
  if (priority !== undefined) return 'Kinesis has no priorities'
  if (delayMs !== undefined && delayMs > 0) return 'Kinesis delays no records'
  return deduplicationId === undefined ? undefined : 'Kinesis drops no duplicates'
}

/** What would be lost without an envelope, and was given by the sender on purpose. */
function homelessPart({ headers, type, correlationId, replyTo, attempt }: Outgoing): string | undefined {
  const [header] = Object.keys(headers)
  if (header !== undefined) return `the header ${header}`
  if (type !== undefined) return 'a type'
  if (correlationId !== undefined || replyTo !== undefined) return 'requests and replies'
  return attempt > 0 ? 'a count of attempts' : undefined
}
