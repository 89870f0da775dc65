import type { MessageAttributeValue } from '@aws-sdk/client-sqs'
import type { BrokerError, Outgoing, Sender, SendResult } from '@busbar/core/driver'
import { prepare, type Prepared } from './attributes.ts'
import { isNotDone, type ErrorMapper, type FailedEntry } from './aws-errors.ts'
import { encodeBody } from './body.ts'
import { groupOfRepeats, isGroupId, keyOfGroup, unkeyedGroup } from './groups.ts'
import { limits } from './limits.ts'

/** What an entry of a batch has wherever it is sent to. */
export interface EntryParts {
  readonly Id: string
  readonly body: string
  readonly MessageAttributes?: Record<string, MessageAttributeValue>
  readonly MessageGroupId?: string
  readonly MessageDeduplicationId?: string
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
  /** Why this target takes no such message, apart from what no queue and no topic takes. */
  refusal(message: Outgoing): Refused | undefined
  entry(message: Outgoing, parts: EntryParts): Entry
  /** Where to send to; may take a call. Throws `BrokerError`. */
  address(): Promise<string>
  call(address: string, entries: Entry[]): Promise<BatchAnswer>
  /** A call has failed as a whole. */
  onFailed(error: BrokerError): void
}

/** Sends to one queue or topic by its batch call. */
export class BatchSender<Entry> implements Sender {
  readonly writable: boolean = true
  onWritable: (() => void) | undefined
  readonly #target: BatchTarget<Entry>
  readonly #uniqueId: () => string
  /** The size of a message is asked for before it is sent. */
  readonly #prepared: WeakMap<Outgoing, Prepared> = new WeakMap()
  /** FIFO: the same id whenever core sends the same message again, so that an answer that was lost makes no duplicate. */
  readonly #deduplicationIds: WeakMap<Outgoing, string> = new WeakMap()
  #closed = false

  constructor(target: BatchTarget<Entry>, uniqueId: () => string) {
    this.#target = target
    this.#uniqueId = uniqueId
  }

  async send(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly SendResult[]> {
    const { doing, errors } = this.#target
    if (this.#closed) return batch.map(() => notSent(errors.make('ERR_CLOSED', `${doing}: the sender is closed`)))
    const results: (SendResult | undefined)[] = batch.map((message) => this.#refusal(message))
    const indexes = [...batch.keys()].filter((index) => results[index] === undefined)
    const entries = indexes.map((index) => this.#entry(batch[index] as Outgoing, index))
    if (entries.length > 0) await this.#request(entries, indexes, results, signal)
    return results.map((result) => result ?? unconfirmed(errors.make('ERR_UNCONFIRMED', `${doing}: the answer does not tell what became of the message`)))
  }

  sizeOf(message: Outgoing): number {
    return this.#prepare(message).bytes
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  async #request(entries: Entry[], indexes: readonly number[], results: (SendResult | undefined)[], signal: AbortSignal): Promise<void> {
    const target = this.#target
    const { doing, errors } = target
    const answerAll = (result: SendResult): void => {
      for (const index of indexes) results[index] = result
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
      const { Successful = [], Failed = [] } = await target.call(address, entries)
      for (const { Id, MessageId } of Successful) results[Number(Id)] = MessageId === undefined ? { ok: true } : { ok: true, id: MessageId }
      for (const failed of Failed) results[Number(failed.Id)] = notSent(errors.entryError(failed, doing))
    } catch (error) {
      const failure = errors.toBrokerError(error, doing)
      target.onFailed(failure)
      answerAll(isNotDone(error) ? notSent(failure) : unconfirmed(failure))
    }
  }

  #entry(message: Outgoing, index: number): Entry {
    const { attributes, encoding } = this.#prepare(message)
    return this.#target.entry(message, {
      Id: String(index),
      body: encodeBody(message.body, encoding),
      ...(attributes !== undefined && { MessageAttributes: attributes }),
      ...(this.#target.fifo ? this.#order(message) : this.#tenant(message)),
    })
  }

  #order(message: Outgoing): Pick<EntryParts, 'MessageGroupId' | 'MessageDeduplicationId'> {
    const { key, deduplicationId } = message
    if (deduplicationId !== undefined) return { MessageGroupId: key ?? groupOfRepeats(deduplicationId), MessageDeduplicationId: deduplicationId }
    const id = this.#deduplicationIdOf(message)
    return { MessageGroupId: key ?? unkeyedGroup(id), MessageDeduplicationId: id }
  }

  #tenant({ headers }: Outgoing): Pick<EntryParts, 'MessageGroupId'> {
    const { tenantHeader } = this.#target
    const tenant = tenantHeader === undefined ? undefined : headers[tenantHeader]
    return tenant === undefined ? {} : { MessageGroupId: tenant }
  }

  #deduplicationIdOf(message: Outgoing): string {
    let id = this.#deduplicationIds.get(message)
    if (id === undefined) this.#deduplicationIds.set(message, (id = this.#uniqueId()))
    return id
  }

  #prepare(message: Outgoing): Prepared {
    const { packsKey, plainFirst } = this.#target
    let prepared = this.#prepared.get(message)
    if (prepared === undefined) this.#prepared.set(message, (prepared = prepare(message, packsKey, plainFirst)))
    return prepared
  }

  #refusal(message: Outgoing): SendResult | undefined {
    const refused = this.#target.refusal(message) ?? this.#commonRefusal(message)
    if (refused === undefined) return undefined
    const [code, why] = refused
    return notSent(this.#target.errors.make(code, `${this.#target.doing}: ${why}`, { messageId: message.id }))
  }

  /** What the service would answer by refusing the whole request, and what neither queues nor topics have. */
  #commonRefusal(message: Outgoing): Refused | undefined {
    const { service, kind, fifo, tenantHeader, maxBytes } = this.#target
    const { deduplicationId, key } = message
    if (message.timeToLiveMs !== undefined) return ['ERR_UNSUPPORTED', `${service} has no lifetime of single messages`]
    if (message.priority !== undefined) return ['ERR_UNSUPPORTED', `${service} has no priorities`]
    if (!fifo && deduplicationId !== undefined) return ['ERR_UNSUPPORTED', `a standard ${kind} drops no duplicates`]
    if (fifo) {
      if (key !== undefined && (!isGroupId(key) || keyOfGroup(key) === undefined)) return ['ERR_INVALID', badId('an ordering key')]
      if (deduplicationId !== undefined && !isGroupId(deduplicationId)) return ['ERR_INVALID', badId('a deduplication id')]
    }
    const tenant = tenantHeader === undefined ? undefined : message.headers[tenantHeader]
    if (tenant !== undefined && !isGroupId(tenant)) return ['ERR_INVALID', badId(`the tenant in header ${tenantHeader}`)]
    if (this.#prepare(message).bytes > maxBytes) return ['ERR_TOO_LARGE', `it has more than ${maxBytes} bytes`]
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
