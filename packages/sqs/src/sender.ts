import type { SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs'
import type { BrokerError, Outgoing, Sender } from '@busbar/core/driver'
import type { Api } from './api.ts'
import { BatchSender, type BatchAnswer, type BatchTarget, type EntryParts, type Refused } from './batch-sender.ts'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import { addressOf, type QueueName } from './names.ts'
import type { Queues } from './queues.ts'

export interface SenderParts {
  readonly queue: QueueName
  readonly tenantHeader: string | undefined
  /** Largest message with its attributes. */
  readonly maxBytes: number
  readonly api: Api
  readonly queues: Queues
  readonly uniqueId: () => string
}

/** Sends to one queue, by `SendMessageBatch`. */
export function queueSender(parts: SenderParts): Sender {
  return new BatchSender(new QueueTarget(parts), parts.uniqueId)
}

class QueueTarget implements BatchTarget<SendMessageBatchRequestEntry> {
  readonly doing: string
  readonly service = 'SQS'
  readonly kind = 'queue'
  readonly fifo: boolean
  readonly packsKey: boolean
  readonly maxBytes: number
  readonly tenantHeader: string | undefined
  readonly errors = errors
  readonly #parts: SenderParts

  constructor(parts: SenderParts) {
    this.#parts = parts
    this.doing = `Sending to ${addressOf(parts.queue)}`
    this.fifo = parts.queue.fifo
    this.packsKey = !parts.queue.fifo
    this.tenantHeader = parts.tenantHeader
    this.maxBytes = parts.maxBytes
  }

  refusal({ delayMs = 0 }: Outgoing): Refused | undefined {
    if (this.fifo && delayMs > 0) return ['ERR_UNSUPPORTED', 'a FIFO queue delays no single message']
    return delayMs > limits.delayMs ? ['ERR_INVALID', `a delay is at most ${limits.delayMs} ms`] : undefined
  }

  entry({ delayMs }: Outgoing, body: string, parts: EntryParts): SendMessageBatchRequestEntry {
    const entry: SendMessageBatchRequestEntry = Object.assign(parts, { MessageBody: body })
    // Not before the time that was asked for.
    if (delayMs !== undefined && !this.fifo) entry.DelaySeconds = Math.ceil(delayMs / 1_000)
    return entry
  }

  address(): Promise<string> {
    return this.#parts.queues.url(this.#parts.queue)
  }

  call(url: string, entries: SendMessageBatchRequestEntry[]): Promise<BatchAnswer> {
    return this.#parts.api.sendMessages({ QueueUrl: url, Entries: entries }, this.doing)
  }

  onFailed(error: BrokerError): void {
    this.#parts.queues.forgetIfGone(this.#parts.queue, error)
  }
}
