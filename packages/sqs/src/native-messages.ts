import type { Message } from '@aws-sdk/client-sqs'

const received = new WeakSet<object>()

/** Notes that a message came from SQS. */
export function rememberNative(message: Message): void {
  received.add(message)
}

/** `native` of an incoming message, if it is one of this driver's. */
export function nativeMessageOf(native: unknown): Message | undefined {
  return typeof native === 'object' && native !== null && received.has(native) ? native : undefined
}
