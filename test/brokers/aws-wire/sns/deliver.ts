import { isSqsText } from '@busbar/memory/engine'
import type { Account } from '../account.ts'
import { sizeOf, type WireAttribute, type WireMessage } from '../sqs/message.ts'
import type { WireQueue } from '../sqs/wire-queue.ts'
import type { Notification } from './message.ts'
import { letsTopicSend } from './queue-access.ts'
import type { Subscription } from './subscription.ts'
import type { Published, Topic } from './topic.ts'

/** More than these kill a message that is delivered raw. */
const maxRawAttributes = 10

/** Gives a subscription its copy. What its queue does not take is tried no further: it goes to the dead-letter queue of the subscription, or is lost. */
export function deliver(account: Account, topic: Topic, subscription: Subscription, notification: Notification, published: Published): void {
  const { queue, raw } = subscription
  const body = raw ? notification.body : envelope(account, topic, subscription, notification, published)
  const attributes: ReadonlyMap<string, WireAttribute> = raw ? notification.attributes : new Map()
  const reason = store(queue, topic, messageFor(queue, topic, notification, body, attributes))
  const deadLetterQueue = subscription.deadLetterQueue
  if (reason === undefined || deadLetterQueue === undefined) return
  const text = (value: string): WireAttribute => ({ dataType: 'String', value })
  const failure = new Map([
    ['RequestID', text(account.uuid('delivery', account.world.nextId()))],
    ['ErrorCode', text('400')],
    ['ErrorMessage', text(reason)],
  ])
  store(deadLetterQueue, topic, messageFor(deadLetterQueue, topic, notification, body, failure))
}

/** Why the queue does not take it; `undefined` if it has. */
function store(queue: WireQueue, topic: Topic, message: WireMessage): string | undefined {
  if (queue.deleted) return 'The specified queue does not exist.'
  if (!letsTopicSend(queue, topic.arn)) return 'SNS is not authorized to send to the queue.'
  if (message.attributes.size > maxRawAttributes)
    return `Number of message attributes [${message.attributes.size}] exceeds the allowed maximum [${maxRawAttributes}].`
  if (!isSqsText(message.body)) return 'Invalid characters found.'
  if (sizeOf(message) > queue.number('MaximumMessageSize')) return `Message must be shorter than ${queue.number('MaximumMessageSize')} bytes.`
  queue.store(message)
  return undefined
}

/** A standard topic forwards the group to standard queues, a FIFO topic group and deduplication id to FIFO queues. */
function messageFor(
  queue: WireQueue,
  topic: Topic,
  { groupId, deduplicationId, traceHeader }: Notification,
  body: string,
  attributes: ReadonlyMap<string, WireAttribute>,
): WireMessage {
  const order = queue.fifo === topic.fifo ? { groupId, deduplicationId } : { groupId: undefined, deduplicationId: undefined }
  return { body, attributes, traceHeader, ...order, senderId: 'SNS', firstReceivedAt: undefined }
}

function envelope(account: Account, topic: Topic, { arn }: Subscription, { body, subject, attributes }: Notification, published: Published): string {
  const described = [...attributes].map(([name, { dataType, value }]) => [
    name,
    { Type: dataType, Value: typeof value === 'string' ? value : Buffer.from(value).toString('base64') },
  ])
  // A signature over nothing: this endpoint has no certificate that anybody would trust.
  const signature = topic.fifo ? {} : { SignatureVersion: '1', Signature: 'unsigned', SigningCertURL: `${account.endpoint}/unsigned.pem` }
  return JSON.stringify({
    Type: 'Notification',
    MessageId: published.MessageId,
    SequenceNumber: published.SequenceNumber,
    TopicArn: topic.arn,
    Subject: subject,
    Message: body,
    Timestamp: new Date(account.clock.now()).toISOString(),
    ...signature,
    UnsubscribeURL: `${account.endpoint}/?Action=Unsubscribe&SubscriptionArn=${arn}`,
    MessageAttributes: described.length === 0 ? undefined : Object.fromEntries(described),
  })
}
