import { isBase64 } from '../body.ts'
import { Fields } from './fields.ts'

/** An attribute of an SNS message. */
export interface SnsAttribute {
  /** `String`, `Number`, `Binary` or `String.Array`, perhaps with a label: `Number.int`. */
  readonly type: string
  /** Bytes for `Binary`; else text, numbers as written. */
  readonly value: string | Uint8Array
}

/** By which a message proves that it is from SNS. It is read here, and not verified. */
export interface SnsSignature {
  /** `1`: SHA1withRSA; `2`: SHA256withRSA. */
  readonly version: string
  /** Base64. */
  readonly text: string
  /** Where a sender claims that the certificate is. Check its host before you ask it. */
  readonly certificateUrl: string
}

/** What all messages have that SNS delivers without raw delivery. */
interface SnsCommon {
  readonly messageId: string
  readonly topicArn: string
  /** The published text; in confirmations a sentence for people. */
  readonly message: string
  /** When it was published, in epoch milliseconds. */
  readonly timestamp: number
  /** The same as it was written, which is what signatures cover. */
  readonly timestampText: string
  /** Messages of FIFO topics have none. */
  readonly signature: SnsSignature | undefined
}

/** A published message in the envelope of SNS. */
export interface SnsNotification extends SnsCommon {
  readonly type: 'Notification'
  readonly subject: string | undefined
  /** FIFO topics only: increases within the topic. Up to 128 bits, so that it is a text. */
  readonly sequenceNumber: string | undefined
  /** By name; an object without a prototype. */
  readonly attributes: Readonly<Record<string, SnsAttribute>>
  readonly unsubscribeUrl: string | undefined
}

/** Asks to confirm a subscription, or to take it up again after its end. */
export interface SnsConfirmation extends SnsCommon {
  readonly type: 'SubscriptionConfirmation' | 'UnsubscribeConfirmation'
  readonly token: string
  /** Where a sender claims that a GET confirms. Check its host before you ask it. */
  readonly subscribeUrl: string
}

const what = 'a message in the envelope of SNS'

/**
 * A message as SNS delivers it to queues without raw delivery, and by HTTP. `body`: JSON as text or UTF-8 bytes, or what it was decoded to.
 * Everything is checked but the signature: whoever may send to the queue can forge it.
 * Throws `ERR_UNDECODABLE` for everything else.
 */
export function parseSnsMessage(body: unknown): SnsNotification | SnsConfirmation {
  const fields = Fields.of(body, what)
  const type = fields.text('Type')
  if (type === 'Notification') return notificationOf(fields)
  if (type !== 'SubscriptionConfirmation' && type !== 'UnsubscribeConfirmation')
    return fields.fail('Type', 'must be Notification, SubscriptionConfirmation or UnsubscribeConfirmation')
  return { type, ...commonOf(fields), token: fields.text('Token'), subscribeUrl: fields.text('SubscribeURL') }
}

/** {@link parseSnsMessage} for what was published; confirmations are `ERR_UNDECODABLE` too. */
export function parseSnsNotification(body: unknown): SnsNotification {
  const message = parseSnsMessage(body)
  if (message.type === 'Notification') return message
  return Fields.of(body, what).fail('Type', 'must be Notification: confirm the subscription, or end it')
}

function notificationOf(fields: Fields): SnsNotification {
  return {
    type: 'Notification',
    ...commonOf(fields),
    subject: fields.optionalText('Subject'),
    sequenceNumber: fields.optionalText('SequenceNumber'),
    attributes: attributesOf(fields.optionalFields('MessageAttributes')),
    unsubscribeUrl: fields.optionalText('UnsubscribeURL'),
  }
}

function commonOf(fields: Fields): SnsCommon {
  const topicArn = fields.text('TopicArn')
  if (!/^arn:[a-z0-9-]+:sns:[a-z0-9-]+:\d{12}:[\w-]+(\.fifo)?$/.test(topicArn)) fields.fail('TopicArn', 'must be the ARN of a topic')
  const messageId = fields.text('MessageId')
  if (messageId === '') fields.fail('MessageId', 'is empty')
  return {
    messageId,
    topicArn,
    message: fields.text('Message'),
    timestamp: fields.instant('Timestamp'),
    timestampText: fields.text('Timestamp'),
    signature: signatureOf(fields),
  }
}

function signatureOf(fields: Fields): SnsSignature | undefined {
  const version = fields.optionalText('SignatureVersion')
  return version === undefined ? undefined : { version, text: fields.text('Signature'), certificateUrl: fields.text('SigningCertURL') }
}

function attributesOf(fields: Fields | undefined): SnsNotification['attributes'] {
  const attributes = Object.create(null) as Record<string, SnsAttribute>
  if (fields === undefined) return attributes
  for (const name of fields.names()) {
    const attribute = fields.fields(name)
    const type = attribute.text('Type')
    const value = attribute.text('Value')
    if (!/^(String|Number|Binary)(\..+)?$/s.test(type)) attribute.fail('Type', 'must be String, Number, Binary or String.Array')
    if (!type.startsWith('Binary')) attributes[name] = { type, value }
    else if (isBase64(value)) attributes[name] = { type, value: Buffer.from(value, 'base64') }
    else attribute.fail('Value', 'must be base64')
  }
  return attributes
}
