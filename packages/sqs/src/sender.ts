import type { SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs'
import type { BrokerError, Outgoing, Sender, SendResult } from '@busbar/core/driver'
import { isNotDone, type Api } from './api.ts'
import { prepare, type Prepared } from './attributes.ts'
import { encodeBody, encodingOf } from './body.ts'
import { entryError, sqsError, toBrokerError } from './errors.ts'
import { isGroupId, keyOfGroup, unkeyedGroup } from './groups.ts'
import { limits } from './limits.ts'
import { addressOf, type QueueName } from './names.ts'
import type { Queues } from './queues.ts'

export interface SenderParts {
  readonly queue: QueueName
  readonly tenantHeader: string | undefined
  readonly api: Api
  readonly queues: Queues
  readonly uniqueId: () => string
}

/** Sends to one queue, by `SendMessageBatch`. */
export class SqsSender implements Sender {
  readonly writable: boolean = true
  onWritable: (() => void) | undefined
  readonly #parts: SenderParts
  readonly #doing: string
  /** The size of a message is asked for before it is sent. */
  readonly #prepared: WeakMap<Outgoing, Prepared> = new WeakMap()
  /** FIFO: the same id whenever core sends the same message again, so that an answer that was lost makes no duplicate. */
  readonly #deduplicationIds: WeakMap<Outgoing, string> = new WeakMap()
  #closed = false

  constructor(parts: SenderParts) {
    this.#parts = parts
    this.#doing = `Sending to ${addressOf(parts.queue)}`
  }

  async send(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly SendResult[]> {
    if (this.#closed) return batch.map(() => notSent(sqsError('ERR_CLOSED', `${this.#doing}: the sender is closed`)))
    const results: (SendResult | undefined)[] = batch.map((message) => this.#refusal(message))
    const entries: SendMessageBatchRequestEntry[] = []
    for (const [index, message] of batch.entries()) if (results[index] === undefined) entries.push(this.#entry(message, index))
    if (entries.length > 0) await this.#request(entries, results, signal)
    return results.map((result) => result ?? unconfirmed(sqsError('ERR_UNCONFIRMED', `${this.#doing}: the answer does not tell what became of the message`)))
  }

  sizeOf(message: Outgoing): number {
    return this.#prepare(message).bytes
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  async #request(entries: SendMessageBatchRequestEntry[], results: (SendResult | undefined)[], signal: AbortSignal): Promise<void> {
    const { api, queue, queues } = this.#parts
    const answerAll = (result: SendResult): void => {
      for (const { Id } of entries) results[Number(Id)] = result
    }
    let url: string
    try {
      url = await queues.url(queue)
    } catch (error) {
      return answerAll(notSent(toBrokerError(error, this.#doing)))
    }
    if (signal.aborted) return answerAll(notSent(sqsError('ERR_TIMEOUT', `${this.#doing}: there was no time left to send the message`)))
    try {
      // Handed over from here on: the outcome is waited for, however short of time core is.
      const { Successful = [], Failed = [] } = await api.sendMessages({ QueueUrl: url, Entries: entries }, { doing: this.#doing })
      for (const { Id, MessageId } of Successful) results[Number(Id)] = MessageId === undefined ? { ok: true } : { ok: true, id: MessageId }
      for (const failed of Failed) results[Number(failed.Id)] = notSent(entryError(failed, this.#doing))
    } catch (error) {
      const failure = toBrokerError(error, this.#doing)
      queues.forgetIfGone(queue, failure)
      answerAll(isNotDone(error) ? notSent(failure) : unconfirmed(failure))
    }
  }

  #entry(message: Outgoing, index: number): SendMessageBatchRequestEntry {
    const { fifo } = this.#parts.queue
    const { attributes } = this.#prepare(message)
    return {
      Id: String(index),
      MessageBody: encodeBody(message.body, encodingOf(message.body)),
      ...(attributes !== undefined && { MessageAttributes: attributes }),
      ...(fifo ? this.#fifoFields(message) : this.#standardFields(message)),
    }
  }

  #fifoFields(message: Outgoing): Partial<SendMessageBatchRequestEntry> {
    const id = this.#deduplicationIdOf(message)
    return { MessageGroupId: message.key ?? unkeyedGroup(id), MessageDeduplicationId: message.deduplicationId ?? id }
  }

  #standardFields({ delayMs, headers }: Outgoing): Partial<SendMessageBatchRequestEntry> {
    const { tenantHeader } = this.#parts
    const tenant = tenantHeader === undefined ? undefined : headers[tenantHeader]
    return {
      // Not before the time that was asked for.
      ...(delayMs !== undefined && { DelaySeconds: Math.ceil(delayMs / 1_000) }),
      ...(tenant !== undefined && { MessageGroupId: tenant }),
    }
  }

  #deduplicationIdOf(message: Outgoing): string {
    let id = this.#deduplicationIds.get(message)
    if (id === undefined) this.#deduplicationIds.set(message, (id = this.#parts.uniqueId()))
    return id
  }

  #prepare(message: Outgoing): Prepared {
    let prepared = this.#prepared.get(message)
    if (prepared === undefined) this.#prepared.set(message, (prepared = prepare(message, !this.#parts.queue.fifo)))
    return prepared
  }

  /** What the service would answer by refusing the whole request, and what this kind of queue does not have. */
  #refusal(message: Outgoing): SendResult | undefined {
    const { queue, tenantHeader } = this.#parts
    const { id: messageId, delayMs, deduplicationId, key } = message
    const refused = (code: 'ERR_INVALID' | 'ERR_UNSUPPORTED' | 'ERR_TOO_LARGE', why: string): SendResult =>
      notSent(sqsError(code, `${this.#doing}: ${why}`, { messageId }))
    if (message.timeToLiveMs !== undefined) return refused('ERR_UNSUPPORTED', 'SQS has no lifetime of single messages')
    if (message.priority !== undefined) return refused('ERR_UNSUPPORTED', 'SQS has no priorities')
    if (queue.fifo && delayMs !== undefined && delayMs > 0) return refused('ERR_UNSUPPORTED', 'a FIFO queue delays no single message')
    if (!queue.fifo && deduplicationId !== undefined) return refused('ERR_UNSUPPORTED', 'a standard queue drops no duplicates')
    if (delayMs !== undefined && delayMs > limits.delayMs) return refused('ERR_INVALID', `a delay is at most ${limits.delayMs} ms`)
    if (queue.fifo) {
      if (key !== undefined && (!isGroupId(key) || keyOfGroup(key) === undefined)) return refused('ERR_INVALID', badId('an ordering key'))
      if (deduplicationId !== undefined && !isGroupId(deduplicationId)) return refused('ERR_INVALID', badId('a deduplication id'))
    }
    const tenant = tenantHeader === undefined ? undefined : message.headers[tenantHeader]
    if (tenant !== undefined && !isGroupId(tenant)) return refused('ERR_INVALID', badId(`the tenant in header ${tenantHeader}`))
    if (this.#prepare(message).bytes > limits.messageBytes) return refused('ERR_TOO_LARGE', `it has more than ${limits.messageBytes} bytes`)
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
