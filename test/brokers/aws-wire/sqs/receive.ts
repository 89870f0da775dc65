import { invalid, optionalInteger, optionalText, texts } from '../input.ts'
import { queueDoesNotExist, serviceError } from '../service-errors.ts'
import { queueOf, type SqsAction, type SqsCall } from './call.ts'
import { md5, md5OfAttributes } from './md5.ts'
import { messageIn, type WireAttribute } from './message.ts'
import { unknownAttribute } from './queue-attributes.ts'
import type { Receipt } from './receipts.ts'
import type { WireQueue } from './wire-queue.ts'

const systemAttributes: ReadonlySet<string> = new Set([
  'SenderId',
  'SentTimestamp',
  'ApproximateReceiveCount',
  'ApproximateFirstReceiveTimestamp',
  'SequenceNumber',
  'MessageDeduplicationId',
  'MessageGroupId',
  'AWSTraceHeader',
  'DeadLetterQueueSourceArn',
])

interface Wanted {
  readonly system: (name: string) => boolean
  readonly attribute: (name: string) => boolean
}

export const receiveMessage: SqsAction = async (call) => {
  const { input } = call
  const queue = queueOf(call)
  const max = optionalInteger(input, 'MaxNumberOfMessages', 1, 10) ?? 1
  const visibilityMs = (optionalInteger(input, 'VisibilityTimeout', 0, 43_200) ?? queue.number('VisibilityTimeout')) * 1_000
  const waitMs = (optionalInteger(input, 'WaitTimeSeconds', 0, 20) ?? queue.number('ReceiveMessageWaitTimeSeconds')) * 1_000
  const wanted = readWanted(call)
  const receipts = await receive(call, queue, max, visibilityMs, waitMs)
  return { Messages: receipts.length === 0 ? undefined : receipts.map((receipt) => describe(receipt, queue, call, wanted)) }
}

async function receive(call: SqsCall, queue: WireQueue, max: number, visibilityMs: number, waitMs: number): Promise<readonly Receipt[]> {
  const attemptId = readAttemptId(call, queue)
  queue.catchUp()
  const repeated = attemptId === undefined ? undefined : queue.attempts.repeat(attemptId)
  if (repeated !== undefined) {
    const now = queue.queue.world.clock.monotonic()
    for (const { delivery } of repeated) queue.queue.extend(delivery, visibilityMs, now)
    queue.attempts.remember(attemptId as string, repeated)
    return repeated
  }
  if (!queue.fifo && waitMs === 0 && queue.queue.inFlight >= queue.queue.behaviour.maxInFlight)
    throw serviceError('OverLimit', `The maximum number of in flight messages is reached: ${queue.queue.behaviour.maxInFlight}.`)
  const take = (): readonly Receipt[] => queue.receive(max, visibilityMs)
  const taken = take()
  const receipts = taken.length > 0 || waitMs === 0 ? taken : await queue.polls.wait(take, waitMs, call.signal)
  if (queue.deleted) throw queueDoesNotExist()
  if (attemptId !== undefined && receipts.length > 0) queue.attempts.remember(attemptId, receipts)
  return receipts
}

function readAttemptId({ input }: SqsCall, { fifo }: WireQueue): string | undefined {
  const name = 'ReceiveRequestAttemptId'
  const attemptId = optionalText(input, name)
  if (attemptId === undefined) return undefined
  if (!fifo) throw invalid(name, attemptId, 'The request includes a parameter that is not valid for this queue type.')
  if (!/^[!-~]{1,128}$/.test(attemptId)) throw invalid(name, attemptId, `${name} can only include alphanumeric and punctuation characters. 1 to 128 in length.`)
  return attemptId
}

function readWanted({ input }: SqsCall): Wanted {
  const system = [...texts(input, 'AttributeNames'), ...texts(input, 'MessageSystemAttributeNames')]
  for (const name of system) if (name !== 'All' && !systemAttributes.has(name)) throw unknownAttribute(name)
  const names = texts(input, 'MessageAttributeNames')
  const all = names.includes('All') || names.includes('.*')
  const prefixes = names.filter((name) => name.endsWith('.*')).map((name) => name.slice(0, -1))
  return {
    system: (name) => system.includes('All') || system.includes(name),
    attribute: (name) => all || names.includes(name) || prefixes.some((prefix) => name.startsWith(prefix)),
  }
}

function describe({ delivery, handle }: Receipt, queue: WireQueue, { queues }: SqsCall, wanted: Wanted): object {
  const message = messageIn(delivery.message)
  const { messageId, sequenceNumber, deduplicationId } = queue.identity(delivery)
  const system: Readonly<Record<string, string | undefined>> = {
    SenderId: message.senderId,
    SentTimestamp: String(queues.account.epochMs(delivery.message.enqueuedAt)),
    ApproximateReceiveCount: String(delivery.brokerAttempts),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
    SequenceNumber: queue.fifo ? sequenceNumber : undefined,
    MessageDeduplicationId: queue.fifo ? deduplicationId : undefined,
    MessageGroupId: message.groupId,
    AWSTraceHeader: message.traceHeader,
    DeadLetterQueueSourceArn: delivery.message.incoming.deadLetteredFrom,
  }
  const told = Object.entries(system).filter(([name, value]) => value !== undefined && wanted.system(name))
  const attributes = new Map([...message.attributes].filter(([name]) => wanted.attribute(name)))
  return {
    MessageId: messageId,
    ReceiptHandle: handle,
    MD5OfBody: md5(message.body),
    Body: message.body,
    Attributes: told.length === 0 ? undefined : Object.fromEntries(told),
    MD5OfMessageAttributes: md5OfAttributes(attributes),
    MessageAttributes: attributes.size === 0 ? undefined : Object.fromEntries([...attributes].map(([name, attribute]) => [name, onWire(attribute)])),
  }
}

function onWire({ dataType, value }: WireAttribute): object {
  return typeof value === 'string' ? { DataType: dataType, StringValue: value } : { DataType: dataType, BinaryValue: Buffer.from(value).toString('base64') }
}
