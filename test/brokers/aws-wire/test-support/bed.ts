import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
  type Message,
  type ReceiveMessageCommandInput,
  type SendMessageCommandInput,
} from '@aws-sdk/client-sqs'
import { virtualClock, type VirtualClock } from '@busbar/memory'
import { startAwsWire, type AwsWire, type AwsWireOptions } from '../index.ts'

/** A wire on a clock that moves only when the test says so, and a client that shows errors as they come. */
export interface Bed extends AsyncDisposable {
  readonly wire: AwsWire
  readonly clock: VirtualClock
  readonly sqs: SQSClient
  /** Makes a queue; FIFO if its name says so. Gives its URL. */
  queue(name: string, attributes?: Record<string, string>): Promise<string>
  send(url: string, body: string, more?: Partial<SendMessageCommandInput>): Promise<string>
  /** To a group of a FIFO queue, each with a deduplication id of its own. */
  sendTo(url: string, group: string, ...bodies: string[]): Promise<void>
  receive(url: string, more?: Partial<ReceiveMessageCommandInput>): Promise<Message[]>
  delete(url: string, message: Message | undefined): Promise<void>
  change(url: string, message: Message | undefined, seconds: number): Promise<void>
  attribute(url: string, name: string): Promise<string | undefined>
}

export async function startBed(options: AwsWireOptions = {}): Promise<Bed> {
  const clock = virtualClock({ auto: false })
  const wire = await startAwsWire({ clock, ...options })
  const sqs = sqsClient(wire)
  let sent = 0
  const bed: Bed = {
    wire,
    clock,
    sqs,
    queue: async (name, attributes = {}) => {
      const fifo = name.endsWith('.fifo') ? { FifoQueue: 'true' } : {}
      return (await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: { ...fifo, ...attributes } }))).QueueUrl ?? ''
    },
    send: async (url, body, more = {}) => (await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body, ...more }))).MessageId ?? '',
    sendTo: async (url, group, ...bodies) => {
      for (const body of bodies) await bed.send(url, body, { MessageGroupId: group, MessageDeduplicationId: `sent-${++sent}` })
    },
    receive: async (url, more = {}) =>
      (await sqs.send(new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All'], ...more }))).Messages ?? [],
    delete: async (url, message) => void (await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message?.ReceiptHandle }))),
    change: async (url, message, seconds) =>
      void (await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout: seconds }))),
    attribute: async (url, name) => (await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }))).Attributes?.[name as 'Policy'],
    [Symbol.asyncDispose]: async () => {
      sqs.destroy()
      await wire[Symbol.asyncDispose]()
    },
  }
  return bed
}

export function sqsClient({ endpoint, region, credentials }: Pick<AwsWire, 'endpoint' | 'region' | 'credentials'>): SQSClient {
  return new SQSClient({ endpoint, region, credentials, maxAttempts: 1 })
}

export function bodies(messages: readonly Message[]): string[] {
  return messages.map(({ Body = '' }) => Body)
}

/** What a call was refused with. Fails if it was not. */
export async function refusal(
  call: Promise<unknown>,
): Promise<{ readonly name: string; readonly code: string; readonly status: number; readonly message: string }> {
  try {
    await call
  } catch (error) {
    const { name, message, Code, $metadata } = error as Error & { readonly Code?: string; readonly $metadata?: { readonly httpStatusCode?: number } }
    return { name, code: Code ?? '', status: $metadata?.httpStatusCode ?? 0, message }
  }
  throw new Error('The call succeeded')
}
