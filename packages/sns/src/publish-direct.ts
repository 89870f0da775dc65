import { PublishCommand, type MessageAttributeValue, type PublishCommandInput, type SNSClient } from '@aws-sdk/client-sns'
import { unlessAborted } from '@busbar/core/driver'
import { errors } from './errors.ts'
import { isSubject } from './subject.ts'

/** One text for each protocol, `default` for all others. A subscription of a queue gets `sqs`. */
export interface ProtocolTexts {
  readonly default: string
  readonly email?: string
  readonly 'email-json'?: string
  readonly http?: string
  readonly https?: string
  readonly lambda?: string
  readonly firehose?: string
  readonly sms?: string
  readonly sqs?: string
  /** Push notifications of Apple, Google, Amazon, Baidu and Microsoft: JSON of theirs, as text. */
  readonly APNS?: string
  readonly APNS_SANDBOX?: string
  readonly APNS_VOIP?: string
  readonly GCM?: string
  readonly ADM?: string
  readonly BAIDU?: string
  readonly MPNS?: string
  readonly WNS?: string
}

/** Texts, numbers and bytes; a list is a `String.Array`, by whose elements subscriptions can filter. */
export type PublicationAttribute = string | number | Uint8Array | readonly (string | number | boolean | null)[]

/** What {@link publishDirect} publishes. */
export interface Publication {
  /** A topic, an endpoint of mobile push, or a phone by its number in E.164 form, such as `+4366012345678`. */
  readonly to: { readonly topicArn: string } | { readonly endpointArn: string } | { readonly phoneNumber: string }
  /** One text for all, or one for each protocol (`MessageStructure: 'json'`). At most 262,144 bytes with the attributes, as SNS takes them. */
  readonly message: string | ProtocolTexts
  /** 1 to 99 characters on one line; for e-mail. */
  readonly subject?: string
  /** Not empty. Those of SNS itself, such as `AWS.SNS.SMS.SMSType`, too. With texts for each protocol SNS may not hand them on. */
  readonly attributes?: Readonly<Record<string, PublicationAttribute>>
  /** Topics only; FIFO topics need one. Maps to `MessageGroupId`. */
  readonly orderingKey?: string
  /** FIFO topics only; without one the topic must deduplicate by content. */
  readonly deduplicationId?: string
}

/** What SNS answers. */
export interface Published {
  readonly id: string
  /** FIFO topics only: increases within the topic. */
  readonly sequenceNumber: string | undefined
}

/**
 * Publishes one message past the API of producers: to a phone, to an endpoint of mobile push, or to a topic in a text of its own for each protocol.
 * It carries nothing of Busbar's. One call, which nobody repeats: wait for it, and repeat what is `retryable` if that may make two of it.
 *
 * Throws `BrokerError` for what SNS refuses, the signal's reason when that fires, `TypeError` for a phone number or a subject that is none.
 */
export async function publishDirect(
  client: Pick<SNSClient, 'send'>,
  publication: Publication,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Published> {
  const { signal } = options
  const { input, doing } = requestOf(publication)
  signal?.throwIfAborted()
  try {
    // The SDK resolves credentials before it looks at a signal.
    const sending = client.send(new PublishCommand(input), signal === undefined ? {} : { abortSignal: signal })
    const { MessageId = '', SequenceNumber } = await unlessAborted(sending, signal)
    return { id: MessageId, sequenceNumber: SequenceNumber }
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason
    throw errors.toBrokerError(error, doing)
  }
}

/** The request, and what errors say of it: who the message is for is nobody else's business. */
function requestOf({ to, message, subject, attributes, orderingKey, deduplicationId }: Publication): {
  readonly input: PublishCommandInput
  readonly doing: string
} {
  if (subject !== undefined && !isSubject(subject)) throw new TypeError('publishDirect: a subject has 1 to 99 characters on one line')
  const input: PublishCommandInput = {
    Message: typeof message === 'string' ? message : JSON.stringify(message),
    ...(typeof message !== 'string' && { MessageStructure: 'json' }),
    ...(subject !== undefined && { Subject: subject }),
    ...(attributes !== undefined && { MessageAttributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, attributeOf(value)])) }),
    ...(orderingKey !== undefined && { MessageGroupId: orderingKey }),
    ...(deduplicationId !== undefined && { MessageDeduplicationId: deduplicationId }),
  }
  if ('topicArn' in to) return { input: { ...input, TopicArn: to.topicArn }, doing: `Publishing to ${to.topicArn}` }
  if ('endpointArn' in to) return { input: { ...input, TargetArn: to.endpointArn }, doing: 'Publishing to an endpoint' }
  if (!/^\+[1-9]\d{1,14}$/.test(to.phoneNumber)) throw new TypeError('publishDirect: a phone number is + and 2 to 15 digits')
  return { input: { ...input, PhoneNumber: to.phoneNumber }, doing: 'Publishing to a phone' }
}

function attributeOf(value: PublicationAttribute): MessageAttributeValue {
  if (typeof value === 'string') return { DataType: 'String', StringValue: value }
  if (typeof value === 'number') return { DataType: 'Number', StringValue: String(value) }
  if (value instanceof Uint8Array) return { DataType: 'Binary', BinaryValue: value }
  return { DataType: 'String.Array', StringValue: JSON.stringify(value) }
}
