import { createHash } from 'node:crypto'
import { optionalText, type Input } from '../input.ts'
import { isInput } from '../input.ts'
import { sizeOf, type WireAttribute } from '../sqs/message.ts'
import { invalidAttribute, invalidParameter } from './errors.ts'
import { entries } from './query.ts'
import type { Topic } from './topic.ts'

/** What is published. */
export interface Notification {
  /** For the protocol `sqs`. */
  readonly body: string
  readonly subject: string | undefined
  readonly attributes: ReadonlyMap<string, WireAttribute>
  readonly groupId: string | undefined
  readonly deduplicationId: string | undefined
  readonly traceHeader: string | undefined
  /** Bytes as SNS counts them. */
  readonly bytes: number
}

/** Throws `InvalidParameter` and `ParameterValueInvalid`. */
export function readNotification(input: Input, topic: Topic, traceHeader: string | undefined): Notification {
  const message = optionalText(input, 'Message') ?? ''
  if (message === '') throw invalidParameter('Empty message')
  const subject = checkedSubject(optionalText(input, 'Subject'))
  const attributes = readAttributes(input)
  const bytes = sizeOf({ body: message, attributes })
  if (bytes > topic.maxBytes) throw invalidParameter('Message too long')
  const body = optionalText(input, 'MessageStructure') === 'json' ? bodyForQueues(message) : message
  return { body, subject, attributes, traceHeader, bytes, ...readOrder(input, topic, message) }
}

function readOrder(input: Input, topic: Topic, message: string): Pick<Notification, 'groupId' | 'deduplicationId'> {
  const groupId = checkedId(input, 'MessageGroupId')
  const deduplicationId = checkedId(input, 'MessageDeduplicationId')
  if (!topic.fifo) {
    if (deduplicationId !== undefined)
      throw invalidParameter('MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type')
    return { groupId, deduplicationId }
  }
  if (groupId === undefined) throw invalidParameter('The MessageGroupId parameter is required for FIFO topics')
  if (deduplicationId === undefined && topic.attributes.get('ContentBasedDeduplication') !== 'true')
    throw invalidParameter('The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly')
  return { groupId, deduplicationId: deduplicationId ?? createHash('sha256').update(message).digest('hex') }
}

function checkedId(input: Input, name: string): string | undefined {
  const id = optionalText(input, name)
  if (id !== undefined && !/^[!-~]{1,128}$/.test(id))
    throw invalidParameter(`${name} can only include alphanumeric and punctuation characters. 1 to 128 in length.`)
  return id
}

/** Fewer than 100 characters, none of them a control character, the first a letter, digit or punctuation. */
function checkedSubject(subject: string | undefined): string | undefined {
  if (subject === undefined || (subject.length < 100 && /^[\p{L}\p{N}\p{P}\p{S}][^\p{Cc}]*$/u.test(subject))) return subject
  throw invalidParameter('Subject')
}

/** With `MessageStructure: 'json'` each protocol has a text of its own, or that of `default`. */
function bodyForQueues(message: string): string {
  let texts: unknown
  try {
    texts = JSON.parse(message)
  } catch {
    throw invalidParameter('Message Structure - JSON message body failed to parse')
  }
  if (!isInput(texts) || typeof texts['default'] !== 'string') throw invalidParameter('Message Structure - No default entry in JSON message body')
  return typeof texts['sqs'] === 'string' ? texts['sqs'] : texts['default']
}

function readAttributes(input: Input): ReadonlyMap<string, WireAttribute> {
  return new Map([...entries(input, 'MessageAttributes', 'Name', 'Value')].map(([name, value]) => [name, readAttribute(name, value)]))
}

function readAttribute(name: string, given: unknown): WireAttribute {
  if (!/^(?!aws\.|amazon\.)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/i.test(name) || name.length > 256)
    throw invalidAttribute(`The message attribute name '${name.slice(0, 256)}' is invalid.`)
  const fields = isInput(given) ? given : {}
  const dataType = optionalText(fields, 'DataType') ?? ''
  const [kind] = dataType.split('.')
  if (kind !== 'String' && kind !== 'Number' && kind !== 'Binary')
    throw invalidAttribute(
      `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
    )
  const value = optionalText(fields, kind === 'Binary' ? 'BinaryValue' : 'StringValue') ?? ''
  if (value === '')
    throw invalidAttribute(`The message attribute '${name}' must contain non-empty message attribute value for message attribute type '${kind}'.`)
  if (kind === 'Number' && Number.isNaN(Number(value))) throw invalidAttribute(`Could not cast message attribute '${name}' value to number.`)
  if (dataType === 'String.Array' && !isScalarArray(value)) throw invalidAttribute(`The message attribute '${name}' is not a JSON array of scalars.`)
  return { dataType, value: kind === 'Binary' ? Buffer.from(value, 'base64') : value }
}

function isScalarArray(text: string): boolean {
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) && list.every((item) => item === null || typeof item !== 'object')
  } catch {
    return false
  }
}
