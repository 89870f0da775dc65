import { optionalText, type Input } from '../input.ts'
import { WireError } from '../wire-error.ts'
import { required, topicOf, type SnsAction } from './call.ts'
import { invalidParameter } from './errors.ts'
import { readNotification, type Notification } from './message.ts'
import { members } from './query.ts'
import type { Topic } from './topic.ts'

const maxEntries = 10

export const publish: SnsAction = (call) => {
  const { topics, region, input, traceHeader } = call
  if (optionalText(input, 'PhoneNumber') !== undefined) throw invalidParameter('PhoneNumber Reason: no SMS can be sent from here')
  const topic = topics.at(region, optionalText(input, 'TopicArn') ?? required(input, 'TargetArn'))
  return topic.publish(readNotification(input, topic, traceHeader))
}

/** Each entry by itself; only their number, ids and sum fail the request. */
export const publishBatch: SnsAction = (call) => {
  const topic = topicOf(call)
  const entries = batchEntries(call.input)
  const read = entries.map((entry) => readEntry(entry, topic, call.traceHeader))
  const bytes = read.reduce((sum, result) => sum + (result instanceof WireError ? 0 : result.bytes), 0)
  if (bytes > topic.maxBytes)
    throw new WireError('BatchRequestTooLong', `The length of all the batch messages put together is more than the limit of ${topic.maxBytes} bytes.`)
  const Successful: object[] = []
  const Failed: object[] = []
  for (const [index, result] of read.entries()) {
    const Id = optionalText(entries[index] ?? {}, 'Id') ?? ''
    if (result instanceof WireError) Failed.push(failedEntry(Id, result))
    else Successful.push({ Id, ...topic.publish(result) })
  }
  return { Successful, Failed }
}

export function failedEntry(Id: string, { legacyCode, message, fault }: WireError): object {
  return { Id, Code: legacyCode, Message: message, SenderFault: fault === 'Sender' }
}

function readEntry(entry: Input, topic: Topic, traceHeader: string | undefined): Notification | WireError {
  try {
    return readNotification(entry, topic, traceHeader)
  } catch (error) {
    if (error instanceof WireError) return error
    throw error
  }
}

function batchEntries(input: Input): Input[] {
  const entries = members(input, 'PublishBatchRequestEntries')
  if (entries.length === 0) throw new WireError('EmptyBatchRequest', "The batch request doesn't contain any entries.")
  if (entries.length > maxEntries)
    throw new WireError('TooManyEntriesInBatchRequest', `The batch request contains more entries than permissible (more than ${maxEntries}).`)
  const ids = entries.map((entry) => optionalText(entry, 'Id') ?? '')
  if (ids.some((id) => !/^[A-Za-z0-9_-]{1,80}$/.test(id)))
    throw new WireError('InvalidBatchEntryId', "The Id of a batch entry in a batch request doesn't abide by the specification.")
  if (new Set(ids).size < ids.length) throw new WireError('BatchEntryIdsNotDistinct', 'Two or more batch entries in the request have the same Id.')
  return entries
}
