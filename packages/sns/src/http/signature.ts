import { verify, type KeyObject } from 'node:crypto'
import type { SnsConfirmation, SnsNotification } from '@busbar/sqs/foreign'

const algorithms: Readonly<Record<string, string>> = { '1': 'RSA-SHA1', '2': 'RSA-SHA256' }

/** Versions of the signature: SHA-1, which is SNS's default, and SHA-256. */
export type SignatureVersion = '1' | '2'

/** What a signature covers: names and values of fields, each on a line of its own, by the names in the order of their bytes. */
export function signedText(message: SnsNotification | SnsConfirmation): string {
  const { type, messageId, topicArn, timestampText } = message
  const fields: [string, string | undefined][] =
    message.type === 'Notification'
      ? [
          ['Message', message.message],
          ['MessageId', messageId],
          ['Subject', message.subject],
          ['Timestamp', timestampText],
          ['TopicArn', topicArn],
          ['Type', type],
        ]
      : [
          ['Message', message.message],
          ['MessageId', messageId],
          ['SubscribeURL', message.subscribeUrl],
          ['Timestamp', timestampText],
          ['Token', message.token],
          ['TopicArn', topicArn],
          ['Type', type],
        ]
  return fields.map(([name, value]) => (value === undefined ? '' : `${name}\n${value}\n`)).join('')
}

/**
 * Are the fields that stand on lines of their own such that the text can be read in one way only? Otherwise who may publish could write a message that says, cut elsewhere,
 * something else.
 */
export function isUnambiguous(message: SnsNotification | SnsConfirmation): boolean {
  const others = message.type === 'Notification' ? [message.subject ?? ''] : [message.subscribeUrl, message.token]
  return /^[0-9A-Za-z-]{1,100}$/.test(message.messageId) && others.every((text) => !/[\r\n]/.test(text))
}

export function isSignedBy(message: SnsNotification | SnsConfirmation, key: KeyObject): boolean {
  const { signature } = message
  const algorithm = signature === undefined ? undefined : algorithms[signature.version]
  if (signature === undefined || algorithm === undefined) return false
  return verify(algorithm, Buffer.from(signedText(message)), key, Buffer.from(signature.text, 'base64'))
}
