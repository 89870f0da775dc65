import { createHash } from 'node:crypto'
import { isSqsText, sqsLimits } from '@busbar/memory/engine'
import { invalid, missing, optionalInteger, optionalText, text, type Input } from '../input.ts'
import { serviceError } from '../service-errors.ts'
import { WireError } from '../wire-error.ts'
import { batchEntries, eachEntry } from './batch.ts'
import { queueOf, type SqsAction } from './call.ts'
import { md5, md5OfAttributes } from './md5.ts'
import { sizeOf, type WireMessage } from './message.ts'
import { illegalCharacters, readAttributes, readTraceHeader } from './read-attributes.ts'
import type { WireQueue } from './wire-queue.ts'

const maxDelaySeconds = 900

export const sendMessage: SqsAction = (call) => {
  const queue = queueOf(call)
  const routing = readRouting(call.input, queue, 'MissingParameter')
  return send(queue, readMessage(call.input, routing, call.senderId), routing)
}

/** Parameters that are missing or not for this kind of queue fail the request as a whole, contents their entry alone. */
export const sendMessageBatch: SqsAction = (call) => {
  const queue = queueOf(call)
  const entries = batchEntries(call.input, 'SendMessageBatchRequestEntry')
  const routings = new Map(entries.map((entry) => [entry, readRouting(entry, queue, 'InvalidParameterValue')]))
  const bytes = entries.reduce((sum, entry) => sum + sizeOfEntry(entry), 0)
  if (bytes > sqsLimits.messageBytes)
    throw serviceError('BatchRequestTooLong', `Batch requests cannot be longer than ${sqsLimits.messageBytes} bytes. You have sent ${bytes} bytes.`)
  return eachEntry(entries, (entry) => {
    const routing = routings.get(entry) as Routing
    return send(queue, readMessage(entry, routing, call.senderId), routing)
  })
}

/** Where a message goes and when. */
interface Routing {
  readonly groupId: string | undefined
  readonly deduplicationId: string | undefined
  readonly delaySeconds: number | undefined
}

function readRouting(input: Input, queue: WireQueue, missingGroup: 'MissingParameter' | 'InvalidParameterValue'): Routing {
  const body = text(input, 'MessageBody')
  const groupId = checkedId(input, 'MessageGroupId')
  const deduplicationId = checkedId(input, 'MessageDeduplicationId')
  const delaySeconds = optionalInteger(input, 'DelaySeconds', 0, maxDelaySeconds)
  if (!queue.fifo) {
    if (deduplicationId !== undefined)
      throw invalid('MessageDeduplicationId', deduplicationId, 'The request includes a parameter that is not valid for this queue type.')
    return { groupId, deduplicationId, delaySeconds }
  }
  if (groupId === undefined) throw missing('MessageGroupId', missingGroup)
  if (delaySeconds !== undefined && delaySeconds > 0)
    throw invalid('DelaySeconds', delaySeconds, 'The request include parameter that is not valid for this queue type.')
  const byContent = queue.attributes.get('ContentBasedDeduplication') === 'true'
  if (deduplicationId === undefined && !byContent)
    throw new WireError('InvalidParameterValue', 'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly')
  return { groupId, deduplicationId: deduplicationId ?? createHash('sha256').update(body).digest('hex'), delaySeconds }
}

function checkedId(input: Input, name: string): string | undefined {
  const id = optionalText(input, name)
  if (id !== undefined && !/^[!-~]{1,128}$/.test(id))
    throw invalid(name, id, `${name} can only include alphanumeric and punctuation characters. 1 to 128 in length.`)
  return id
}

function readMessage(input: Input, { groupId, deduplicationId }: Routing, senderId: string): WireMessage {
  const body = text(input, 'MessageBody')
  if (!isSqsText(body)) throw illegalCharacters()
  return { body, attributes: readAttributes(input), traceHeader: readTraceHeader(input), groupId, deduplicationId, senderId, firstReceivedAt: undefined }
}

/** What cannot be read is refused with its entry, and counts for what its body has. */
function sizeOfEntry(entry: Input): number {
  const body = text(entry, 'MessageBody')
  try {
    return sizeOf({ body, attributes: readAttributes(entry) })
  } catch (error) {
    if (error instanceof WireError) return Buffer.byteLength(body)
    throw error
  }
}

function send(queue: WireQueue, message: WireMessage, { delaySeconds }: Routing): object {
  const limit = queue.number('MaximumMessageSize')
  if (sizeOf(message) > limit)
    throw new WireError('InvalidParameterValue', `One or more parameters are invalid. Reason: Message must be shorter than ${limit} bytes.`)
  const { messageId, sequenceNumber } = queue.store(message, delaySeconds === undefined ? undefined : delaySeconds * 1_000)
  const { traceHeader } = message
  return {
    MessageId: messageId,
    MD5OfMessageBody: md5(message.body),
    MD5OfMessageAttributes: md5OfAttributes(message.attributes),
    MD5OfMessageSystemAttributes:
      traceHeader === undefined ? undefined : md5OfAttributes(new Map([['AWSTraceHeader', { dataType: 'String', value: traceHeader }]])),
    SequenceNumber: sequenceNumber,
  }
}
