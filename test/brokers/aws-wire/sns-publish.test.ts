import { PublishBatchCommand, PublishCommand, SetSubscriptionAttributesCommand, type MessageAttributeValue } from '@aws-sdk/client-sns'
import { DeleteQueueCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bodies, refusal } from './test-support/bed.ts'
import { startTopicBed, text, type TopicBed } from './test-support/topic-bed.ts'

let bed: TopicBed
let made = 0

beforeAll(async () => {
  bed = await startTopicBed()
})

afterAll(() => bed[Symbol.asyncDispose]())

interface Pair {
  readonly topic: string
  readonly url: string
  readonly arn: string
  readonly subscription: string
}

/** A topic with a queue behind it. */
async function pair(attributes: Record<string, string> = {}, { suffix = '', topic = {}, queue = {} }: PairOptions = {}): Promise<Pair> {
  const name = `published-${++made}${suffix}`
  const topicArn = await bed.topic(name, topic)
  const { url, arn } = await bed.openQueue(name, queue)
  return { topic: topicArn, url, arn, subscription: await bed.subscribe(topicArn, arn, attributes) }
}

interface PairOptions {
  readonly suffix?: string
  readonly topic?: Record<string, string>
  readonly queue?: Record<string, string>
}

const raw = { RawMessageDelivery: 'true' }
const all = { MessageAttributeNames: ['All'] }
const many = (count: number): Record<string, MessageAttributeValue> => Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, text('x')]))
const envelopeOf = (body: string | undefined): Record<string, unknown> => JSON.parse(body ?? '') as Record<string, unknown>

describe('an envelope', () => {
  it('has all that was published, and no attributes beside it', async () => {
    const { topic, url } = await pair()
    const { MessageId } = await bed.publish(topic, 'body "é"', {
      Subject: 'About',
      MessageAttributes: { s: text('x'), n: text('5', 'Number'), b: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255) } },
    })
    const [message] = await bed.receive(url, all)
    const envelope = envelopeOf(message?.Body)
    expect(Object.keys(envelope)).toEqual([
      ...['Type', 'MessageId', 'TopicArn', 'Subject', 'Message', 'Timestamp', 'SignatureVersion', 'Signature', 'SigningCertURL', 'UnsubscribeURL'],
      'MessageAttributes',
    ])
    expect(envelope).toMatchObject({
      Type: 'Notification',
      MessageId,
      TopicArn: topic,
      Subject: 'About',
      Message: 'body "é"',
      Timestamp: new Date(bed.clock.now()).toISOString(),
      MessageAttributes: { s: { Type: 'String', Value: 'x' }, n: { Type: 'Number', Value: '5' }, b: { Type: 'Binary', Value: 'AP8=' } },
    })
    expect(message).not.toHaveProperty('MessageAttributes')
    expect(message?.MessageId).not.toBe(MessageId)
  })

  it('has neither subject nor attributes where there are none', async () => {
    const { topic, url } = await pair()
    await bed.publish(topic, 'a')
    const envelope = envelopeOf((await bed.receive(url))[0]?.Body)
    expect(envelope).not.toHaveProperty('Subject')
    expect(envelope).not.toHaveProperty('MessageAttributes')
  })

  it('of a FIFO topic is not signed and has the number of the topic', async () => {
    const { topic, url } = await pair({}, { suffix: '.fifo' })
    const { SequenceNumber } = await bed.publish(topic, 'a', { MessageGroupId: 'g', MessageDeduplicationId: 'd' })
    const [message] = await bed.receive(url)
    const envelope = envelopeOf(message?.Body)
    expect(envelope['SequenceNumber']).toBe(SequenceNumber)
    expect(envelope).not.toHaveProperty('Signature')
    expect(envelope).not.toHaveProperty('SigningCertURL')
    expect(message?.Attributes?.SequenceNumber).not.toBe(SequenceNumber)
    expect(message?.Attributes).toMatchObject({ MessageGroupId: 'g', MessageDeduplicationId: 'd' })
  })
})

describe('raw', () => {
  it('is the body with its attributes and their types', async () => {
    const { topic, url } = await pair(raw)
    const MessageAttributes = { s: text('x', 'String.label'), n: text('5', 'Number'), list: text('["a",1,true,null]', 'String.Array') }
    await bed.publish(topic, 'body', { MessageAttributes, Subject: 'lost' })
    expect((await bed.receive(url, all))[0]).toMatchObject({ Body: 'body', MessageAttributes })
  })

  it('with more than ten attributes is lost, and nobody is told', async () => {
    const { topic, url } = await pair(raw)
    await bed.publish(topic, 'ten', { MessageAttributes: many(10) })
    await bed.publish(topic, 'eleven', { MessageAttributes: many(11) })
    expect(bodies(await bed.receive(url))).toEqual(['ten'])
  })

  it('off, more than ten attributes arrive', async () => {
    const { topic, url } = await pair()
    await bed.publish(topic, 'eleven', { MessageAttributes: many(11) })
    expect(Object.keys(envelopeOf((await bed.receive(url))[0]?.Body)['MessageAttributes'] as object)).toHaveLength(11)
  })
})

describe('the dead-letter queue of a subscription', () => {
  const failing: [string, (name: string) => Promise<{ pair: Pair; body: string; attributes: number }>][] = [
    ['eleven raw attributes', async () => ({ pair: await pair(raw), body: 'a', attributes: 11 })],
    ['a queue that takes less', async () => ({ pair: await pair(raw, { queue: { MaximumMessageSize: '1024' } }), body: 'x'.repeat(1_025), attributes: 0 })],
    ['a queue that lets nobody in', async () => ({ pair: await pair(raw, { queue: { Policy: '' } }), body: 'a', attributes: 0 })],
  ]
  it.each(failing)('gets what cannot be delivered: %s', async (_, make) => {
    const made = await make('')
    const { topic, url, subscription } = made.pair
    const dead = await bed.openQueue(`dead-${topic.split(':')[5]}`)
    await bed.sns.send(
      new SetSubscriptionAttributesCommand({
        SubscriptionArn: subscription,
        AttributeName: 'RedrivePolicy',
        AttributeValue: JSON.stringify({ deadLetterTargetArn: dead.arn }),
      }),
    )
    await bed.publish(topic, made.body, { MessageAttributes: many(made.attributes) })
    expect(await bed.receive(url)).toEqual([])
    const [letter] = await bed.receive(dead.url, all)
    expect(letter?.Body).toBe(made.body)
    expect(Object.keys(letter?.MessageAttributes ?? {}).toSorted()).toEqual(['ErrorCode', 'ErrorMessage', 'RequestID'])
  })

  it('gets what was for a queue that is gone, also when there is another of its name', async () => {
    const { topic, url, subscription, arn } = await pair(raw)
    const dead = await bed.openQueue(`dead-gone-${made}`)
    await bed.sns.send(
      new SetSubscriptionAttributesCommand({
        SubscriptionArn: subscription,
        AttributeName: 'RedrivePolicy',
        AttributeValue: JSON.stringify({ deadLetterTargetArn: dead.arn }),
      }),
    )
    await bed.sqs.send(new DeleteQueueCommand({ QueueUrl: url }))
    await bed.publish(topic, 'a')
    await bed.clock.advance(60_000)
    await bed.openQueue(arn.split(':')[5] ?? '')
    await bed.publish(topic, 'b')
    expect(bodies(await bed.receive(dead.url))).toEqual(['a', 'b'])
    expect(await bed.receive(url)).toEqual([])
  })
})

describe('the access policy of a queue', () => {
  const statement = (more: object): string =>
    JSON.stringify({ Statement: { Effect: 'Allow', Principal: { Service: 'sns.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: '*', ...more } })

  it.each<[string, (queueArn: string, topicArn: string) => string, boolean]>([
    ['for the topic', (Resource, topic) => statement({ Resource, Condition: { ArnEquals: { 'aws:SourceArn': topic } } }), true],
    ['for topics like it', (Resource, topic) => statement({ Resource, Condition: { ArnLike: { 'AWS:SourceArn': `${topic.slice(0, -1)}*` } } }), true],
    ['for everybody', () => statement({ Principal: '*', Action: 'SQS:*' }), true],
    ['for another topic', (Resource, topic) => statement({ Resource, Condition: { ArnEquals: { 'aws:SourceArn': `${topic}x` } } }), false],
    ['for another service', () => statement({ Principal: { Service: 's3.amazonaws.com' } }), false],
    ['for another action', () => statement({ Action: 'sqs:ReceiveMessage' }), false],
    ['for another queue', (queue) => statement({ Resource: `${queue}x` }), false],
    ['with a condition that it cannot know', () => statement({ Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }), false],
    ['that denies', () => statement({ Effect: 'Deny' }), false],
  ])('%s', async (_, policy, delivered) => {
    const { topic, url, arn } = await pair(raw)
    await bed.sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { Policy: policy(arn, topic) } }))
    await bed.publish(topic, 'a')
    expect(bodies(await bed.receive(url))).toEqual(delivered ? ['a'] : [])
  })
})

describe('FIFO', () => {
  it('keeps groups and drops repeated ids for five minutes, for all kinds of queues', async () => {
    const { topic, url } = await pair(raw, { suffix: '.fifo' })
    const standard = await bed.openQueue(`standard-${made}`)
    await bed.subscribe(topic, standard.arn, raw)
    const order = { MessageGroupId: 'g', MessageDeduplicationId: 'd' }
    const first = await bed.publish(topic, 'a', order)
    const again = await bed.publish(topic, 'another body', order)
    expect([again.MessageId, again.SequenceNumber]).toEqual([first.MessageId, first.SequenceNumber])
    await bed.publish(topic, 'b', { ...order, MessageDeduplicationId: 'e' })
    expect(bodies(await bed.receive(url))).toEqual(['a', 'b'])
    const [message, ...others] = await bed.receive(standard.url)
    expect(others).toHaveLength(1)
    expect(message?.Attributes).not.toHaveProperty('MessageGroupId')
    await bed.clock.advance(300_000)
    await bed.publish(topic, 'c', order)
    expect(bodies(await bed.receive(url))).toContain('c')
  })

  it('by content needs no id, and no content deduplication at the queue', async () => {
    const { topic, url } = await pair(raw, { suffix: '.fifo', topic: { ContentBasedDeduplication: 'true' } })
    await bed.publish(topic, 'hello', { MessageGroupId: 'g' })
    await bed.publish(topic, 'hello', { MessageGroupId: 'g' })
    const [message, ...others] = await bed.receive(url)
    expect(others).toEqual([])
    expect(message?.Attributes?.MessageDeduplicationId).toBe('2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824')
  })

  it('can drop repeated ids per group', async () => {
    const { topic, url } = await pair(raw, { suffix: '.fifo', topic: { FifoThroughputScope: 'MessageGroup' }, queue: { DeduplicationScope: 'messageGroup' } })
    for (const MessageGroupId of ['g1', 'g2', 'g1']) await bed.publish(topic, MessageGroupId, { MessageGroupId, MessageDeduplicationId: 'd' })
    expect(bodies(await bed.receive(url))).toEqual(['g1', 'g2'])
  })

  it('needs a group and an id', async () => {
    const topic = await bed.topic('needs.fifo')
    expect((await refusal(bed.publish(topic, 'a', { MessageDeduplicationId: 'd' }))).message).toBe(
      'Invalid parameter: The MessageGroupId parameter is required for FIFO topics',
    )
    expect(await refusal(bed.publish(topic, 'a', { MessageGroupId: 'g' }))).toMatchObject({ name: 'InvalidParameterException' })
  })

  it('a standard topic forwards the group to standard queues, and takes no deduplication id', async () => {
    const { topic, url } = await pair(raw)
    await bed.publish(topic, 'a', { MessageGroupId: 'tenant' })
    expect((await bed.receive(url))[0]?.Attributes?.MessageGroupId).toBe('tenant')
    expect((await refusal(bed.publish(topic, 'a', { MessageDeduplicationId: 'd' }))).message).toBe(
      'Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type',
    )
  })
})

describe('a publish', () => {
  it('is of at most the size of the topic, attributes counted', async () => {
    const { topic } = await pair()
    await bed.publish(topic, 'x'.repeat(262_144 - 8), { MessageAttributes: { a: text('x') } })
    expect(await refusal(bed.publish(topic, 'x'.repeat(262_144 - 7), { MessageAttributes: { a: text('x') } }))).toMatchObject({
      name: 'InvalidParameterException',
      message: 'Invalid parameter: Message too long',
    })
    const large = await bed.topic('large', { MaximumMessageSize: '1048576' })
    await bed.publish(large, 'x'.repeat(1_048_576))
  })

  it('has a text per protocol', async () => {
    const { topic, url } = await pair(raw)
    const publish = (texts: object): Promise<unknown> => bed.publish(topic, JSON.stringify(texts), { MessageStructure: 'json' })
    await publish({ default: 'for all', sqs: 'for queues' })
    await publish({ default: 'for all', email: 'for people' })
    expect(bodies(await bed.receive(url))).toEqual(['for queues', 'for all'])
    expect((await refusal(publish({ sqs: 'for queues' }))).message).toBe('Invalid parameter: Message Structure - No default entry in JSON message body')
    expect((await refusal(bed.publish(topic, '{', { MessageStructure: 'json' }))).message).toBe(
      'Invalid parameter: Message Structure - JSON message body failed to parse',
    )
  })

  it.each(['x'.repeat(100), 'a\nb', ' a', '\0'])('refuses the subject %j', async (Subject) => {
    expect(await refusal(bed.publish(await bed.topic('subjects'), 'a', { Subject }))).toMatchObject({ name: 'InvalidParameterException' })
  })

  it('refuses an empty message', async () => {
    expect((await refusal(bed.publish(await bed.topic('empty'), ''))).message).toBe('Invalid parameter: Empty message')
  })

  it.each<[string, Record<string, MessageAttributeValue>]>([
    ['an empty value', { a: text('') }],
    ['a bad name', { 'a..b': text('x') }],
    ['a bad type', { a: text('x', 'Text') }],
    ['a value of another type', { a: { DataType: 'Binary', StringValue: 'x' } }],
    ['a list that is none', { a: text('x', 'String.Array') }],
  ])('refuses attributes: %s', async (_, MessageAttributes) => {
    expect(await refusal(bed.publish(await bed.topic('attributes'), 'a', { MessageAttributes }))).toMatchObject({ code: 'ParameterValueInvalid' })
  })

  it('by TargetArn is one to the topic', async () => {
    const { topic, url } = await pair(raw)
    await bed.sns.send(new PublishCommand({ TargetArn: topic, Message: 'a' }))
    expect(bodies(await bed.receive(url))).toEqual(['a'])
  })

  it('carries the header of X-Ray into the queue', async () => {
    const { topic, url } = await pair(raw)
    const command = new PublishCommand({ TopicArn: topic, Message: 'a' })
    const header = 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1'
    command.middlewareStack.add(
      (next) => (args) => {
        const { headers } = args.request as { headers: Record<string, string> }
        headers['x-amzn-trace-id'] = header
        return next(args)
      },
      { step: 'build' },
    )
    await bed.sns.send(command)
    expect((await bed.receive(url))[0]?.Attributes?.AWSTraceHeader).toBe(header)
  })

  it('without a subscription succeeds', async () => {
    expect((await bed.publish(await bed.topic('alone'), 'a')).MessageId).toMatch(/^[\da-f-]{36}$/)
  })
})

describe('a batch', () => {
  const publish = (TopicArn: string, messages: string[], ids: string[] = messages.map((_, index) => `e${index}`)) =>
    bed.sns.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries: messages.map((Message, index) => ({ Id: ids[index], Message })) }))

  it('fails entry by entry', async () => {
    const { topic, url } = await pair(raw)
    const { Successful, Failed } = await publish(topic, ['a', '', 'c'])
    expect(Successful?.map(({ Id }) => Id)).toEqual(['e0', 'e2'])
    expect(Failed).toEqual([{ Id: 'e1', Code: 'InvalidParameter', Message: 'Invalid parameter: Empty message', SenderFault: true }])
    expect(bodies(await bed.receive(url))).toEqual(['a', 'c'])
  })

  it.each<[string, string[], string[]]>([
    ['EmptyBatchRequestException', [], []],
    ['TooManyEntriesInBatchRequestException', Array.from({ length: 11 }, () => 'x'), Array.from({ length: 11 }, (_, index) => `${index}`)],
    ['BatchEntryIdsNotDistinctException', ['x', 'x'], ['a', 'a']],
    ['InvalidBatchEntryIdException', ['x'], ['a b']],
    ['BatchRequestTooLongException', ['x'.repeat(131_072), 'x'.repeat(131_073)], ['a', 'b']],
  ])('fails whole: %s', async (name, messages, ids) => {
    expect(await refusal(publish(await bed.topic('batches'), messages, ids))).toMatchObject({ name, status: 400 })
  })

  it('fails where a fault says so', async () => {
    const { topic, url } = await pair(raw)
    bed.wire.faults.add({ action: 'PublishBatch', fault: { kind: 'fail-entries', entries: [0, 2] } })
    const { Successful, Failed } = await publish(topic, ['a', 'b', 'c'])
    expect(Successful?.map(({ Id }) => Id)).toEqual(['e1'])
    expect(Failed).toMatchObject([
      { Id: 'e0', Code: 'InternalFailure', SenderFault: false },
      { Id: 'e2', Code: 'InternalFailure', SenderFault: false },
    ])
    expect(bodies(await bed.receive(url))).toEqual(['b'])
    bed.wire.faults.add({ action: 'PublishBatch', resource: topic.split(':')[5] ?? '', fault: { kind: 'error', name: 'Throttled' } })
    expect(await refusal(publish(topic, ['a']))).toMatchObject({ name: 'ThrottledException', code: 'Throttled', status: 429 })
    bed.wire.faults.add({ action: 'PublishBatch', fault: { kind: 'reset', when: 'after' } })
    await expect(publish(topic, ['lost answer'])).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(bodies(await bed.receive(url))).toEqual(['lost answer'])
  })
})

describe('filters', () => {
  it.each<[string, object, Record<string, MessageAttributeValue>, boolean]>([
    ['text', { a: ['x'] }, { a: text('x') }, true],
    ['another text', { a: ['x'] }, { a: text('y') }, false],
    ['a number is compared as one', { a: [{ numeric: ['>', 99] }] }, { a: text('100', 'Number') }, true],
    ['text of a number is text', { a: [{ numeric: ['>', 99] }] }, { a: text('100') }, false],
    ['a number is no text', { a: ['100'] }, { a: text('100', 'Number') }, false],
    ['any element of a list', { a: ['x', 7] }, { a: text('["y",7]', 'String.Array') }, true],
    ['no element of a list', { a: ['x'] }, { a: text('["y",7]', 'String.Array') }, false],
    ['anything but, any element', { a: [{ 'anything-but': ['x'] }] }, { a: text('["x","y"]', 'String.Array') }, true],
    ['anything but, no element', { a: [{ 'anything-but': ['x'] }] }, { a: text('["x"]', 'String.Array') }, false],
    ['bytes are not looked at', { a: [{ exists: true }] }, { a: { DataType: 'Binary', BinaryValue: Uint8Array.of(1) } }, false],
    ['a missing key', { a: [null, { 'anything-but': 'whatever' }] }, { b: text('x') }, false],
    ['no attribute at all', { a: [{ exists: false }] }, {}, true],
    ['alternatives', { $or: [{ a: ['x'] }, { b: ['y'] }] }, { b: text('y') }, true],
    ['a name with dots', { 'a.b': ['x'] }, { 'a.b': text('x') }, true],
  ])('on attributes: %s', async (_, policy, MessageAttributes, delivered) => {
    const { topic, url } = await pair({ ...raw, FilterPolicy: JSON.stringify(policy) })
    await bed.publish(topic, 'a', { MessageAttributes })
    expect(await bed.receive(url)).toHaveLength(delivered ? 1 : 0)
  })

  it.each<[string, object, string, boolean]>([
    ['nested', { a: { b: [{ prefix: 'x' }] } }, '{"a":{"b":"xy"}}', true],
    ['a number', { a: [{ numeric: ['>=', 1, '<', 2] }] }, '{"a":1.5}', true],
    ['an array', { a: ['x'] }, '{"a":["y","x"]}', true],
    ['a miss', { a: ['x'] }, '{"a":"y"}', false],
    ['no object', { a: ['x'] }, '["x"]', false],
    ['no JSON', { a: [{ exists: false }] }, 'text', false],
  ])('on the body: %s', async (_, policy, body, delivered) => {
    const { topic, url } = await pair({ ...raw, FilterPolicy: JSON.stringify(policy), FilterPolicyScope: 'MessageBody' })
    await bed.publish(topic, body)
    expect(bodies(await bed.receive(url))).toEqual(delivered ? [body] : [])
  })

  it('are taken away by an empty text', async () => {
    const { topic, url, subscription } = await pair({ ...raw, FilterPolicy: '{"a":["x"]}' })
    await bed.publish(topic, 'filtered')
    await bed.sns.send(new SetSubscriptionAttributesCommand({ SubscriptionArn: subscription, AttributeName: 'FilterPolicy', AttributeValue: '' }))
    await bed.publish(topic, 'a')
    expect(bodies(await bed.receive(url))).toEqual(['a'])
  })
})
