import { configuration } from './errors.ts'
import { queueOf, type QueueName } from './names.ts'
import type { ResolvedRouteOptions } from './route-options.ts'

export type QueueAttributes = Readonly<Record<string, string>>

/** The queue that SQS itself moves messages to: of the same type as its source, as SQS demands. */
export function deadLetterQueueOf(deadLetterName: string, source: QueueName): QueueName {
  return queueOf(deadLetterName, source.fifo)
}

/** What a route asks for, as SQS names it; the redrive policy and the access policy, which take ARNs, are not in it. */
export function attributesOf(route: Pick<ResolvedRouteOptions, 'retentionMs' | 'encryption' | 'highThroughput'>): Record<string, string> {
  const { retentionMs, encryption, highThroughput } = route
  const attributes: Record<string, string> = {}
  if (retentionMs !== undefined) attributes['MessageRetentionPeriod'] = String(retentionMs / 1_000)
  if (encryption === 'sse-sqs') attributes['SqsManagedSseEnabled'] = 'true'
  else if (encryption !== undefined) {
    attributes['KmsMasterKeyId'] = encryption.kmsKeyId
    if (encryption.dataKeyReuseMs !== undefined) attributes['KmsDataKeyReusePeriodSeconds'] = String(encryption.dataKeyReuseMs / 1_000)
  }
  if (highThroughput) {
    attributes['DeduplicationScope'] = 'messageGroup'
    attributes['FifoThroughputLimit'] = 'perMessageGroupId'
  }
  return attributes
}

export interface RedrivePolicy {
  readonly deadLetterTargetArn: string
  readonly maxReceiveCount: number
}

/** `undefined`: messages are never moved. Throws `ERR_CONFIGURATION` for text that is no such policy. */
export function redrivePolicyOf(attributes: QueueAttributes): RedrivePolicy | undefined {
  const text = attributes['RedrivePolicy']
  if (text === undefined || text === '') return undefined
  try {
    const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(text) as { readonly deadLetterTargetArn?: unknown; readonly maxReceiveCount?: unknown }
    const count = Number(maxReceiveCount)
    if (typeof deadLetterTargetArn === 'string' && Number.isSafeInteger(count) && count > 0) return { deadLetterTargetArn, maxReceiveCount: count }
  } catch {
    // Answered below, as every other text that is no policy.
  }
  throw configuration(`sqs: the RedrivePolicy of ${attributes['QueueArn'] ?? 'the queue'} cannot be read`)
}

export function redrivePolicyText(deadLetterTargetArn: string, maxReceiveCount: number): string {
  return JSON.stringify({ deadLetterTargetArn, maxReceiveCount: String(maxReceiveCount) })
}
