import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  PurgeQueueCommand,
  QueueDeletedRecently,
  QueueDoesNotExist,
  QueueNameExists,
  SetQueueAttributesCommand,
  TagQueueCommand,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bodies, refusal, sqsClient, startBed, type Bed } from './test-support/bed.ts'

let bed: Bed

beforeAll(async () => {
  bed = await startBed()
})

afterAll(() => bed[Symbol.asyncDispose]())

const attributes = async (url: string): Promise<Record<string, string>> =>
  (await bed.sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }))).Attributes ?? {}
const set = (url: string, Attributes: Record<string, string>): Promise<unknown> => bed.sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }))
const standard = {
  VisibilityTimeout: '30',
  DelaySeconds: '0',
  ReceiveMessageWaitTimeSeconds: '0',
  MessageRetentionPeriod: '345600',
  MaximumMessageSize: '1048576',
  SqsManagedSseEnabled: 'true',
}
const computed = (name: string): Record<string, unknown> => ({
  QueueArn: `arn:aws:sqs:eu-central-1:000000000000:${name}`,
  ApproximateNumberOfMessages: '0',
  ApproximateNumberOfMessagesNotVisible: '0',
  ApproximateNumberOfMessagesDelayed: '0',
  CreatedTimestamp: expect.stringMatching(/^\d{10}$/) as unknown,
  LastModifiedTimestamp: expect.stringMatching(/^\d{10}$/) as unknown,
})

describe('attributes', () => {
  it('have their defaults', async () => {
    expect(await attributes(await bed.queue('defaults'))).toEqual({ ...standard, ...computed('defaults') })
    expect(await attributes(await bed.queue('defaults.fifo'))).toEqual({
      ...standard,
      ...computed('defaults.fifo'),
      FifoQueue: 'true',
      ContentBasedDeduplication: 'false',
      DeduplicationScope: 'queue',
      FifoThroughputLimit: 'perQueue',
    })
  })

  it('set one by one leave the others', async () => {
    const url = await bed.queue('one-by-one', { DelaySeconds: '3' })
    await set(url, { VisibilityTimeout: '7' })
    expect(await attributes(url)).toMatchObject({ DelaySeconds: '3', VisibilityTimeout: '7' })
  })

  it('that are documents are cleared by an empty text', async () => {
    const url = await bed.queue('policies', { Policy: '{"Version":"2012-10-17"}' })
    expect(await attributes(url)).toMatchObject({ Policy: '{"Version":"2012-10-17"}' })
    await set(url, { Policy: '' })
    expect(await attributes(url)).not.toHaveProperty('Policy')
  })

  it.each<[string, Record<string, string>]>([
    ['InvalidAttributeValue', { VisibilityTimeout: '43201' }],
    ['InvalidAttributeValue', { DelaySeconds: '-1' }],
    ['InvalidAttributeValue', { MaximumMessageSize: '1023' }],
    ['InvalidAttributeValue', { MaximumMessageSize: '1048577' }],
    ['InvalidAttributeValue', { MessageRetentionPeriod: '59' }],
    ['InvalidAttributeValue', { ReceiveMessageWaitTimeSeconds: '21' }],
    ['InvalidAttributeValue', { KmsDataKeyReusePeriodSeconds: '59' }],
    ['InvalidAttributeValue', { Policy: '{' }],
    ['InvalidAttributeName', { Nonsense: '1' }],
    ['InvalidAttributeName', { constructor: '1' }],
    ['InvalidAttributeName', { ContentBasedDeduplication: 'true' }],
    ['InvalidAttributeName', { FifoQueue: 'true' }],
    ['InvalidAttributeName', { KmsMasterKeyId: 'alias/key', SqsManagedSseEnabled: 'true' }],
  ])('%s: %o', async (name, wrong) => {
    const url = await bed.queue('wrong-attributes')
    expect(await refusal(set(url, wrong))).toMatchObject({ name })
    expect(await attributes(url)).toEqual({ ...standard, ...computed('wrong-attributes') })
  })

  it('of throughput per group need the scope of it', async () => {
    expect(await refusal(bed.queue('high.fifo', { FifoThroughputLimit: 'perMessageGroupId' }))).toMatchObject({ name: 'InvalidAttributeValue' })
    await bed.queue('high.fifo', { FifoThroughputLimit: 'perMessageGroupId', DeduplicationScope: 'messageGroup' })
  })

  it('of a key switch the encryption of the service off, and back', async () => {
    const url = await bed.queue('encrypted', { KmsMasterKeyId: 'alias/key' })
    expect(await attributes(url)).toMatchObject({ KmsMasterKeyId: 'alias/key', SqsManagedSseEnabled: 'false', KmsDataKeyReusePeriodSeconds: '300' })
    await set(url, { SqsManagedSseEnabled: 'true' })
    expect(await attributes(url)).not.toHaveProperty('KmsMasterKeyId')
  })

  it('that nobody knows cannot be asked for', async () => {
    const url = await bed.queue('asked')
    const ask = bed.sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['Nonsense' as 'All'] }))
    expect(await refusal(ask)).toMatchObject({ name: 'InvalidAttributeName' })
  })

  it('of retention expire what is stored at once', async () => {
    const url = await bed.queue('retention')
    await bed.send(url, 'old')
    await bed.clock.advance(61_000)
    await bed.send(url, 'new')
    await set(url, { MessageRetentionPeriod: '60' })
    expect(bodies(await bed.receive(url))).toEqual(['new'])
  })
})

describe('creating', () => {
  it('the same again gives the same, with other attributes is refused', async () => {
    const url = await bed.queue('twice', { DelaySeconds: '1' })
    expect(await bed.queue('twice', { DelaySeconds: '1' })).toBe(url)
    expect(await bed.queue('twice')).toBe(url)
    const again = bed.queue('twice', { DelaySeconds: '2' })
    await expect(again).rejects.toBeInstanceOf(QueueNameExists)
    expect(await refusal(again)).toEqual({
      name: 'QueueNameExists',
      code: 'QueueAlreadyExists',
      status: 400,
      message: 'A queue already exists with the same name and a different value for attribute DelaySeconds',
    })
  })

  it.each(['', 'a'.repeat(81), 'a b', 'a.b', 'é'])('refuses the name %j', async (QueueName) => {
    const { name } = await refusal(bed.sqs.send(new CreateQueueCommand({ QueueName })))
    expect(['InvalidParameterValue', 'MissingParameter']).toContain(name)
  })

  it('takes names of 80 characters, the suffix counted', async () => {
    await bed.queue('a'.repeat(80))
    await bed.queue(`${'a'.repeat(75)}.fifo`)
    expect(await refusal(bed.queue(`${'a'.repeat(76)}.fifo`))).toMatchObject({ name: 'InvalidParameterValue' })
  })

  it('wants name and kind to agree', async () => {
    const create = (QueueName: string, FifoQueue?: string): Promise<unknown> =>
      bed.sqs.send(new CreateQueueCommand({ QueueName, Attributes: FifoQueue === undefined ? {} : { FifoQueue } }))
    expect(await refusal(create('kind.fifo'))).toMatchObject({ name: 'InvalidParameterValue' })
    expect(await refusal(create('kind', 'true'))).toMatchObject({ name: 'InvalidParameterValue' })
    expect(await refusal(create('kind', 'false'))).toMatchObject({ name: 'InvalidAttributeName', message: 'Unknown Attribute FifoQueue.' })
  })

  it('refuses the other kind where the profile has one', async () => {
    await using fifo = await startBed({ profile: 'sqs-fifo' })
    await fifo.queue('a.fifo')
    expect(await refusal(fifo.queue('a'))).toMatchObject({ name: 'UnsupportedOperation' })
    await using standard = await startBed({ profile: 'sqs-standard' })
    expect(await refusal(standard.queue('a.fifo'))).toMatchObject({ name: 'UnsupportedOperation' })
  })
})

describe('a deleted queue', () => {
  it('is gone, and its name is free after 60 seconds', async () => {
    const url = await bed.queue('deleted')
    await bed.send(url, 'a')
    const [message] = await bed.receive(url)
    await bed.sqs.send(new DeleteQueueCommand({ QueueUrl: url }))
    await expect(bed.receive(url)).rejects.toBeInstanceOf(QueueDoesNotExist)
    expect(await refusal(bed.queue('deleted'))).toMatchObject({
      name: 'QueueDeletedRecently',
      code: 'AWS.SimpleQueueService.QueueDeletedRecently',
      message: 'You must wait 60 seconds after deleting a queue before you can create another with the same name.',
    })
    await expect(bed.queue('deleted')).rejects.toBeInstanceOf(QueueDeletedRecently)
    await bed.clock.advance(60_000)
    const again = await bed.queue('deleted')
    expect(await bed.receive(again)).toEqual([])
    expect(await refusal(bed.delete(again, message))).toMatchObject({ name: 'ReceiptHandleIsInvalid' })
  })
})

describe('a missing queue', () => {
  const expected = { name: 'QueueDoesNotExist', code: 'AWS.SimpleQueueService.NonExistentQueue', status: 400, message: 'The specified queue does not exist.' }

  it('is named as such', async () => {
    expect(await refusal(bed.sqs.send(new GetQueueUrlCommand({ QueueName: 'missing' })))).toEqual(expected)
    const elsewhere = new GetQueueUrlCommand({ QueueName: 'asked', QueueOwnerAWSAccountId: '111111111111' })
    expect(await refusal(bed.sqs.send(elsewhere))).toEqual(expected)
    expect(await refusal(bed.send(`${bed.wire.endpoint}/000000000000/missing`, 'a'))).toEqual(expected)
    expect(await refusal(bed.send(`${bed.wire.endpoint}/111111111111/asked`, 'a'))).toEqual(expected)
  })

  it('is one of another region too', async () => {
    const url = await bed.queue('regional')
    const { endpoint, credentials } = bed.wire
    const elsewhere = sqsClient({ endpoint, credentials, region: 'us-east-1' })
    expect(await refusal(elsewhere.send(new GetQueueUrlCommand({ QueueName: 'regional' })))).toEqual(expected)
    expect(await refusal(elsewhere.send(new PurgeQueueCommand({ QueueUrl: url })))).toEqual(expected)
    elsewhere.destroy()
  })
})

describe('who asks', () => {
  it('must be known', async () => {
    const { endpoint, region } = bed.wire
    const stranger = sqsClient({ endpoint, region, credentials: { accessKeyId: 'AKIASTRANGER', secretAccessKey: 'x' } })
    expect(await refusal(stranger.send(new ListQueuesCommand({})))).toMatchObject({ name: 'InvalidClientTokenId', status: 403 })
    stranger.destroy()
    const unsigned = await fetch(endpoint, { method: 'POST', headers: { 'x-amz-target': 'AmazonSQS.ListQueues' }, body: '{}' })
    expect(unsigned.status).toBe(403)
    expect(await unsigned.text()).toContain('MissingAuthenticationToken')
    expect((await fetch(endpoint)).status).toBe(404)
  })
})

describe('a purge', () => {
  it('removes what is visible, delayed and in flight, once in 60 seconds', async () => {
    const url = await bed.queue('purged')
    await bed.send(url, 'in flight')
    await bed.receive(url)
    await bed.send(url, 'visible')
    await bed.send(url, 'delayed', { DelaySeconds: 5 })
    const purge = (): Promise<unknown> => bed.sqs.send(new PurgeQueueCommand({ QueueUrl: url }))
    await purge()
    expect(await attributes(url)).toMatchObject(computed('purged'))
    expect(await refusal(purge())).toMatchObject({ name: 'PurgeQueueInProgress', code: 'AWS.SimpleQueueService.PurgeQueueInProgress', status: 403 })
    await bed.clock.advance(60_000)
    expect(await bed.receive(url)).toEqual([])
    await purge()
  })
})

describe('listing', () => {
  it('is by prefix and in pages', async () => {
    await using own = await startBed()
    for (const name of ['a-2', 'b-1', 'a-1', 'a-3']) await own.queue(name)
    const url = (name: string): string => `${own.wire.endpoint}/000000000000/${name}`
    expect((await own.sqs.send(new ListQueuesCommand({}))).QueueUrls).toEqual(['a-1', 'a-2', 'a-3', 'b-1'].map(url))
    const first = await own.sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'a-', MaxResults: 2 }))
    expect(first.QueueUrls).toEqual(['a-1', 'a-2'].map(url))
    const second = await own.sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'a-', MaxResults: 2, NextToken: first.NextToken }))
    expect(second).toMatchObject({ QueueUrls: [url('a-3')] })
    expect(second.NextToken).toBeUndefined()
    expect((await own.sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'c' }))).QueueUrls).toBeUndefined()
  })
})

describe('tags', () => {
  it('are set, changed and taken away', async () => {
    const { QueueUrl } = await bed.sqs.send(new CreateQueueCommand({ QueueName: 'tagged', tags: { a: '1' } }))
    await bed.sqs.send(new TagQueueCommand({ QueueUrl, Tags: { a: '2', b: '' } }))
    expect((await bed.sqs.send(new ListQueueTagsCommand({ QueueUrl }))).Tags).toEqual({ a: '2', b: '' })
    await bed.sqs.send(new UntagQueueCommand({ QueueUrl, TagKeys: ['a', 'b'] }))
    expect((await bed.sqs.send(new ListQueueTagsCommand({ QueueUrl }))).Tags).toBeUndefined()
  })
})
