import type { Message } from '@aws-sdk/client-sqs'

const received = new WeakMap<object, Message>()

/** Notes that a message came from SQS. `message`: what was in its envelope; without one, itself. */
export function rememberNative(native: Message, message: Message): void {
  received.set(native, message)
}

/** The message that `native` of an incoming message brought, if it is one of this driver's. */
export function nativeMessageOf(native: unknown): Message | undefined {
  return typeof native === 'object' && native !== null ? received.get(native) : undefined
}
