import { hash } from 'node:crypto'
import type { ReceiveMessageCommandOutput, SendMessageBatchCommandInput, SendMessageBatchCommandOutput } from '@aws-sdk/client-sqs'

// As the SDK checks bodies on their way to the queue and back, by a call of Node's for each instead of three.

/** Does Node have MD5? Not where it must not, by FIPS 140: the SDK has one of its own there. */
export function hasMd5(): boolean {
  try {
    return md5() !== ''
  } catch {
    return false
  }
}

/** Throws if SQS has taken a body for another one. */
export function checkSent({ Entries = [] }: SendMessageBatchCommandInput, { Successful = [] }: SendMessageBatchCommandOutput): void {
  const bodies = new Map(Entries.map(({ Id, MessageBody }) => [Id, MessageBody]))
  refuse(Successful.filter(({ Id, MD5OfMessageBody }) => bodies.has(Id) && MD5OfMessageBody !== md5(bodies.get(Id))))
}

/** Throws if a body is not the one that SQS has. */
export function checkReceived({ Messages = [] }: ReceiveMessageCommandOutput): void {
  refuse(Messages.filter(({ Body, MD5OfBody }) => MD5OfBody !== md5(Body)))
}

function md5(body: string = ''): string {
  return hash('md5', body, 'hex')
}

function refuse(wrong: readonly { readonly MessageId?: string | undefined }[]): void {
  if (wrong.length > 0) throw new Error(`Invalid MD5 checksum on messages: ${wrong.map(({ MessageId }) => MessageId).join(', ')}`)
}
