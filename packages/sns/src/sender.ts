import type { PublishBatchRequestEntry } from '@aws-sdk/client-sns'
import type { BrokerError, Outgoing, Sender } from '@busbar/core/driver'
import { BatchSender, isAttribute, type BatchAnswer, type BatchTarget, type EntryParts, type Refused } from '@busbar/sqs/shared'
import type { Api } from './api.ts'
import type { Arns } from './arns.ts'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import { addressOf, type TopicName } from './names.ts'
import type { ResolvedRouteOptions } from './route-options.ts'
import { isSubject } from './subject.ts'

export interface SenderParts {
  readonly topic: TopicName
  readonly route: ResolvedRouteOptions
  readonly api: Api
  readonly arns: Arns
  readonly uniqueId: () => string
}

/** Publishes to one topic, by `PublishBatch`. */
export function topicSender(parts: SenderParts): Sender {
  return new BatchSender(new TopicTarget(parts), parts.uniqueId)
}

class TopicTarget implements BatchTarget<PublishBatchRequestEntry> {
  readonly doing: string
  readonly service = 'SNS'
  readonly kind = 'topic'
  readonly fifo: boolean
  /** Always: a standard queue that is subscribed to a FIFO topic is told no group. */
  readonly packsKey = true
  readonly maxBytes: number
  readonly tenantHeader: string | undefined
  readonly plainFirst: readonly string[]
  readonly errors = errors
  readonly #parts: SenderParts

  constructor(parts: SenderParts) {
    const { topic, route } = parts
    this.#parts = parts
    this.doing = `Publishing to ${addressOf(topic)}`
    this.fifo = topic.fifo
    this.maxBytes = route.maxMessageBytes ?? limits.messageBytes
    this.tenantHeader = route.tenantHeader
    this.plainFirst = route.filterHeaders
  }

  refusal(message: Outgoing, attributes: EntryParts['MessageAttributes']): Refused | undefined {
    if (message.delayMs !== undefined && message.delayMs > 0) return ['ERR_UNSUPPORTED', 'SNS delays nothing']
    const unseen = this.plainFirst.find((name) => message.headers[name] !== undefined && !isAttribute(name, message.headers[name]))
    if (unseen !== undefined) return ['ERR_INVALID', `SNS filters by no header ${unseen} that has no value, or characters that attributes cannot have`]
    const packed = this.plainFirst.find((name) => message.headers[name] !== undefined && attributes?.[name] === undefined)
    if (packed !== undefined)
      return ['ERR_INVALID', `it has more of the headers by which subscriptions filter than it has attributes for: SNS would see nothing of ${packed}`]
    const subject = this.#subject(message)
    if (subject === undefined || isSubject(subject)) return undefined
    return ['ERR_INVALID', `the subject in header ${this.#parts.route.subjectHeader} must have 1 to ${limits.subjectLength - 1} characters on one line`]
  }

  entry(message: Outgoing, body: string, parts: EntryParts): PublishBatchRequestEntry {
    const entry: PublishBatchRequestEntry = Object.assign(parts, { Message: body })
    const subject = this.#subject(message)
    if (subject !== undefined) entry.Subject = subject
    return entry
  }

  address(): Promise<string> {
    return this.#parts.arns.topic(this.#parts.topic)
  }

  call(arn: string, entries: PublishBatchRequestEntry[]): Promise<BatchAnswer> {
    return this.#parts.api.publish({ TopicArn: arn, PublishBatchRequestEntries: entries }, this.doing)
  }

  onFailed(_error: BrokerError): void {
    // A topic is found by its ARN alone: there is nothing to be forgotten.
  }

  #subject({ headers }: Outgoing): string | undefined {
    const { subjectHeader } = this.#parts.route
    return subjectHeader === undefined ? undefined : headers[subjectHeader]
  }
}
