import type { MessageAttributeValue } from '@aws-sdk/client-sqs'
import type { BrokerError, Outgoing, Sender, SendResult } from '@busbar/core/driver'
import { prepare, type Attributes, type Prepared } from './attributes.ts'
import { isNotDone, type ErrorMapper, type FailedEntry } from './aws-errors.ts'
import { encodeBody } from './body.ts'
import { groupOfRepeats, isGroupId, keyOfGroup, unkeyedGroup, unkeyedPrefix } from './groups.ts'
import { limits } from './limits.ts'

/** What an entry of a batch has wherever it is sent to. */
export interface EntryParts {
  readonly Id: string
  MessageAttributes?: Record<string, MessageAttributeValue>
  MessageGroupId?: string
  MessageDeduplicationId?: string
}

/** The answer to a batch. */
export interface BatchAnswer {
  readonly Successful?: readonly { readonly Id?: string | undefined; readonly MessageId?: string | undefined }[] | undefined
  readonly Failed?: readonly FailedEntry[] | undefined
}

/** Why a message is not sent. */
export type Refused = readonly [code: 'ERR_INVALID' | 'ERR_UNSUPPORTED' | 'ERR_TOO_LARGE', why: string]

/** A queue or a topic, as far as it matters to who sends to it. */
export interface BatchTarget<Entry> {
  /** Begins the texts of errors: `Sending to queue orders`. */
  readonly doing: string
  /** `SQS`, `SNS`: for texts. */
  readonly service: string
  /** `queue`, `topic`: for texts. */
  readonly kind: string
  readonly fifo: boolean
  /** The ordering key travels in the metadata. */
  readonly packsKey: boolean
  /** Largest message with its attributes, in bytes. */
  readonly maxBytes: number
  /** The header that names the tenant of a fair queue. Not on FIFO. */
  readonly tenantHeader: string | undefined
  /** Headers that are attributes of their own before all others. */
  readonly plainFirst?: readonly string[]
  readonly errors: ErrorMapper
  /** Why this target takes no such message with these attributes, apart from what no queue and no topic takes. */
  refusal(message: Outgoing, attributes: Attributes | undefined): Refused | undefined
  /** `parts` are there to be made an entry of: to copy them takes time. */
  entry(message: Outgoing, body: string, parts: EntryParts): Entry
  /** Where to send to; may take a call. Throws `BrokerError`. */
  address(): Promise<string>
  call(address: string, entries: Entry[]): Promise<BatchAnswer>
  /** A call has failed as a whole. */
  onFailed(error: BrokerError): void
}

/** So many messages, and so many bytes of them, are kept prepared between the question for their size and their sending, which mostly follows at once. What is not kept is prepared anew. */
const mostPrepared = 1_024
const mostPreparedBytes = 16_777_216

/** A message that is in a call. */
interface Sent {
  readonly message: Outgoing
  /** Place in the batch. */
  readonly index: number
  readonly body: string
  readonly parts: EntryParts
}

/** Sends to one queue or topic by its batch call. */
export class BatchSender<Entry> implements Sender {
  readonly writable: boolean = true
  onWritable: (() => void) | undefined
  readonly #target: BatchTarget<Entry>
  readonly #uniqueId: () => string
  /** Some are never sent, since their time is over before. */
  readonly #prepared: Map<Outgoing, Prepared> = new Map()
  /** Of all that were put there since it was empty last. */
  #preparedBytes = 0
  /** FIFO: the ids of what has failed, so that an answer that was lost makes no duplicate when core sends the same message again. */
  readonly #failedIds: WeakMap<Outgoing, string> = new WeakMap()
  #closed = false

  constructor(target: BatchTarget<Entry>, uniqueId: () => string) {
    this.#target = target
    this.#uniqueId = uniqueId
  }

  async send(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly SendResult[]> {
    const { doing, errors } = this.#target
    if (this.#closed) return batch.map(() => notSent(errors.make('ERR_CLOSED', `${doing}: the sender is closed`)))
    const results: (SendResult | undefined)[] = []
    const sent: Sent[] = []
    for (let index = 0; index < batch.length; index++) {
      const message = batch[index] as Outgoing
      const prepared = this.#prepared.get(message) ?? this.#prepare(message)
      this.#prepared.delete(message)
      results[index] = this.#refusal(message, prepared)
      if (results[index] !== undefined) continue
      sent.push({ message, index, body: encodeBody(message.body, prepared.encoding), parts: this.#parts(message, prepared, index) })
    }
    if (sent.length > 0) await this.#request(sent, results, signal)
    for (const { message, index, parts } of sent) {
      const result = (results[index] ??= unconfirmed(errors.make('ERR_UNCONFIRMED', `${doing}: the answer does not tell what became of the message`)))
      if (!result.ok && parts.MessageDeduplicationId !== undefined) this.#failedIds.set(message, parts.MessageDeduplicationId)
    }
    return results as SendResult[]
  }

  sizeOf(message: Outgoing): number {
    const prepared = this.#prepare(message)
    if (this.#prepared.size === 0) this.#preparedBytes = 0
    this.#preparedBytes += prepared.bytes
    if (this.#prepared.size >= mostPrepared || this.#preparedBytes > mostPreparedBytes) {
      this.#prepared.clear()
      this.#preparedBytes = prepared.bytes
    }
    this.#prepared.set(message, prepared)
    return prepared.bytes
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#prepared.clear()
  }

  async #request(sent: readonly Sent[], results: (SendResult | undefined)[], signal: AbortSignal): Promise<void> {
    const target = this.#target
    const { doing, errors } = target
    const answerAll = (result: SendResult): void => {
      for (const { index } of sent) results[index] = result
    }
    let address: string
    try {
      address = await target.address()
    } catch (error) {
      return answerAll(notSent(errors.toBrokerError(error, doing)))
    }
    if (signal.aborted) return answerAll(notSent(errors.make('ERR_TIMEOUT', `${doing}: there was no time left to send the message`)))
    try {
      // Handed over from here on: the outcome is waited for, however short of time core is.
      const { Successful = [], Failed = [] } = await target.call(
        address,
        sent.map(({ message, body, parts }) => target.entry(message, body, parts)),
      )
      for (const { Id, MessageId } of Successful) results[Number(Id)] = MessageId === undefined ? { ok: true } : { ok: true, id: MessageId }
      for (const failed of Failed) results[Number(failed.Id)] = notSent(errors.entryError(failed, doing))
    } catch (error) {
      const failure = errors.toBrokerError(error, doing)
      target.onFailed(failure)
      answerAll(isNotDone(error) ? notSent(failure) : unconfirmed(failure))
    }
  }

  #parts(message: Outgoing, { attributes }: Prepared, index: number): EntryParts {
    const { fifo, tenantHeader } = this.#target
    const parts: EntryParts = { Id: String(index) }
    if (attributes !== undefined) parts.MessageAttributes = attributes
    if (fifo) this.#order(message, parts)
    else if (tenantHeader !== undefined) {
      const tenant = message.headers[tenantHeader]
      if (tenant !== undefined) parts.MessageGroupId = tenant
    }
    return parts
  }

  #order(message: Outgoing, parts: EntryParts): void {
    const { key, deduplicationId } = message
    const id = deduplicationId ?? this.#failedIds.get(message) ?? this.#uniqueId()
    parts.MessageGroupId = key ?? (deduplicationId === undefined ? unkeyedGroup(id) : groupOfRepeats(deduplicationId))
    parts.MessageDeduplicationId = id
  }

  #prepare(message: Outgoing): Prepared {
    const { packsKey, plainFirst } = this.#target
    return prepare(message, packsKey, plainFirst)
  }

  #refusal(message: Outgoing, prepared: Prepared): SendResult | undefined {
    const refused = this.#target.refusal(message, prepared.attributes) ?? this.#commonRefusal(message, prepared)
    if (refused === undefined) return undefined
    const [code, why] = refused
    return notSent(this.#target.errors.make(code, `${this.#target.doing}: ${why}`, { messageId: message.id }))
  }

  /** What the service would answer by refusing the whole request, and what neither queues nor topics have. */
  #commonRefusal(message: Outgoing, { bytes }: Prepared): Refused | undefined {
    const { service, kind, fifo, tenantHeader, maxBytes } = this.#target
    const { deduplicationId, key } = message
    if (message.timeToLiveMs !== undefined) return ['ERR_UNSUPPORTED', `${service} has no lifetime of single messages`]
    if (message.priority !== undefined) return ['ERR_UNSUPPORTED', `${service} has no priorities`]
    if (!fifo && deduplicationId !== undefined) return ['ERR_UNSUPPORTED', `a standard ${kind} drops no duplicates`]
    if (fifo) {
      if (key !== undefined && !isGroupId(key)) return ['ERR_INVALID', badId('an ordering key')]
      if (key !== undefined && keyOfGroup(key) === undefined)
        return ['ERR_INVALID', `an ordering key does not begin with ${unkeyedPrefix}, as the groups of messages without a key do`]
      if (deduplicationId !== undefined && !isGroupId(deduplicationId)) return ['ERR_INVALID', badId('a deduplication id')]
    }
    const tenant = tenantHeader === undefined ? undefined : message.headers[tenantHeader]
    if (tenant !== undefined && !isGroupId(tenant)) return ['ERR_INVALID', badId(`the tenant in header ${tenantHeader}`)]
    if (bytes > maxBytes) return ['ERR_TOO_LARGE', `it has more than ${maxBytes} bytes`]
    return undefined
  }
}

function badId(what: string): string {
  return `${what} has 1 to ${limits.idLength} characters from ! to ~`
}

function notSent(error: BrokerError): SendResult {
  return { ok: false, error, stored: 'no' }
}

function unconfirmed(error: BrokerError): SendResult {
  return { ok: false, error, stored: 'unknown' }
}
