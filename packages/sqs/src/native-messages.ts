import type { Message } from '@aws-sdk/client-sqs'
import type { Attributes } from './attributes.ts'
import { unwrapSns } from './envelope.ts'

/** The attributes that `native` of an incoming message came with, perhaps in an envelope, if it is a message of SQS. */
export function receivedAttributes(native: unknown): Attributes | undefined {
  // To remember which messages came from SQS would cost more than all else that is done with each.
  const isReceived = typeof native === 'object' && native !== null && 'ReceiptHandle' in native && 'Body' in native
  if (!isReceived) return undefined
  const message = native as Message
  return message.MessageAttributes ?? unwrapSns(message).MessageAttributes
}
