import { isBrokerError } from '@busbar/core/driver'
import { accountId } from '../account.ts'
import { optionalInteger, optionalText, text, textMap, texts, type Input } from '../input.ts'
import { queueDoesNotExist, serviceError } from '../service-errors.ts'
import { queueOf, type SqsAction } from './call.ts'
import { unknownAttribute } from './queue-attributes.ts'
import type { WireQueue } from './wire-queue.ts'

const settable: ReadonlySet<string> = new Set([
  'VisibilityTimeout',
  'MaximumMessageSize',
  'MessageRetentionPeriod',
  'DelaySeconds',
  'ReceiveMessageWaitTimeSeconds',
  'Policy',
  'RedrivePolicy',
  'RedriveAllowPolicy',
  'FifoQueue',
  'ContentBasedDeduplication',
  'DeduplicationScope',
  'FifoThroughputLimit',
  'KmsMasterKeyId',
  'KmsDataKeyReusePeriodSeconds',
  'SqsManagedSseEnabled',
])

export const createQueue: SqsAction = ({ queues, region, input }) => ({
  QueueUrl: queues.create(region, text(input, 'QueueName'), textMap(input, 'Attributes'), textMap(input, 'tags')).url,
})

export const getQueueUrl: SqsAction = ({ queues, region, input }) => {
  const name = text(input, 'QueueName')
  if ((optionalText(input, 'QueueOwnerAWSAccountId') ?? accountId) !== accountId) throw queueDoesNotExist()
  return { QueueUrl: queues.named(region, name).url }
}

export const deleteQueue: SqsAction = (call) => {
  call.queues.delete(queueOf(call))
  return {}
}

export const purgeQueue: SqsAction = (call) => {
  const queue = queueOf(call)
  queue.catchUp()
  try {
    queue.queue.purge()
  } catch (error) {
    if (!isBrokerError(error) || error.code !== 'ERR_CONFLICT') throw error
    throw serviceError('PurgeQueueInProgress', `Only one PurgeQueue operation on ${queue.name} is allowed every 60 seconds.`)
  }
  queue.receipts.clear()
  return {}
}

export const getQueueAttributes: SqsAction = (call) => {
  const queue = queueOf(call)
  const names = texts(call.input, 'AttributeNames')
  const found = attributesOf(queue)
  for (const name of names) if (name !== 'All' && !found.has(name) && !settable.has(name)) throw unknownAttribute(name)
  const told = [...found].filter(([name]) => names.includes('All') || names.includes(name))
  return { Attributes: told.length === 0 ? undefined : Object.fromEntries(told) }
}

export const setQueueAttributes: SqsAction = (call) => {
  call.queues.change(queueOf(call), textMap(call.input, 'Attributes'))
  return {}
}

export const tagQueue: SqsAction = (call) => {
  const queue = queueOf(call)
  for (const [name, value] of textMap(call.input, 'Tags')) queue.tags.set(name, value)
  return {}
}

export const untagQueue: SqsAction = (call) => {
  const queue = queueOf(call)
  for (const name of texts(call.input, 'TagKeys')) queue.tags.delete(name)
  return {}
}

export const listQueueTags: SqsAction = (call) => {
  const { tags } = queueOf(call)
  return { Tags: tags.size === 0 ? undefined : Object.fromEntries(tags) }
}

export const listQueues: SqsAction = (call) => {
  const prefix = optionalText(call.input, 'QueueNamePrefix') ?? ''
  const { page, NextToken } = paged(
    call.queues.all(call.region).filter((queue) => queue.name.startsWith(prefix)),
    call.input,
  )
  return { QueueUrls: page.length === 0 ? undefined : page, NextToken }
}

export const listDeadLetterSourceQueues: SqsAction = (call) => {
  const { page, NextToken } = paged(call.queues.sourcesOf(queueOf(call)), call.input)
  return { queueUrls: page, NextToken }
}

/** Up to 1,000 URLs; with `MaxResults`, a token when there are more. */
function paged(queues: readonly WireQueue[], input: Input): { readonly page: string[]; readonly NextToken: string | undefined } {
  const max = optionalInteger(input, 'MaxResults', 1, 1_000)
  const after = Buffer.from(optionalText(input, 'NextToken') ?? '', 'base64').toString('utf8')
  const rest = queues.filter((queue) => queue.name > after)
  const page = rest.slice(0, max ?? 1_000)
  const last = page.at(-1)
  return {
    page: page.map((queue) => queue.url),
    NextToken: max !== undefined && last !== undefined && page.length < rest.length ? Buffer.from(last.name).toString('base64') : undefined,
  }
}

function attributesOf(queue: WireQueue): Map<string, string> {
  const { ready, inFlight, delayed } = queue.counts()
  return new Map([
    ...queue.attributes,
    ['QueueArn', queue.arn],
    ['ApproximateNumberOfMessages', String(ready)],
    ['ApproximateNumberOfMessagesNotVisible', String(inFlight)],
    ['ApproximateNumberOfMessagesDelayed', String(delayed)],
    ['CreatedTimestamp', String(queue.createdAt)],
    ['LastModifiedTimestamp', String(queue.modifiedAt)],
  ])
}
