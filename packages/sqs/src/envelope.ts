import type { Message } from '@aws-sdk/client-sqs'
import { isBrokerError, metadataHeader } from '@busbar/core/driver'
import type { Attributes } from './attributes.ts'
import { parseSnsNotification } from './foreign/sns-message.ts'

/** Header of a message that is no envelope where there should be one: why. Core gives up what has such a header as undecodable, also when it is redriven. */
const envelopeMark = 'busbar-envelope'

/** The notification's subject, unless an attribute has this name. */
const subjectHeader = 'subject'

/**
 * What SNS has put into an envelope, as if it had been sent to the queue by itself: whoever forges an envelope can say no more than a plain message could.
 * Copies that Busbar itself sent to the queue, such as redriven messages, need no envelope.
 */
export function unwrapSns(native: Message): Message {
  const { MessageAttributes: outer = {} } = native
  // Before its body is looked at, which may be such an envelope by itself: where SNS has put one around a message, the queue is told no attributes.
  if (Object.hasOwn(outer, metadataHeader)) return native
  try {
    const { attributes, message, messageId, subject, timestamp } = parseSnsNotification(native.Body)
    const inner = Object.create(null) as Attributes
    if (subject !== undefined && subject !== '') inner[subjectHeader] = { DataType: 'String', StringValue: subject }
    for (const [name, { type, value }] of Object.entries(attributes))
      inner[name] = typeof value === 'string' ? { DataType: type, StringValue: value } : { DataType: type, BinaryValue: value }
    const system = { ...native.Attributes, SentTimestamp: String(timestamp) }
    return { ...native, MessageId: messageId, Body: message, Attributes: system, MessageAttributes: inner }
  } catch (error) {
    const why = isBrokerError(error) ? error.message : String(error)
    return { ...native, MessageAttributes: { ...outer, [envelopeMark]: { DataType: 'String', StringValue: why } } }
  }
}
