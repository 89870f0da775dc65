import {
  ConfirmSubscriptionCommand,
  CreateTopicCommand,
  DeleteTopicCommand,
  GetSubscriptionAttributesCommand,
  GetTopicAttributesCommand,
  InvalidParameterException,
  ListSubscriptionsByTopicCommand,
  ListTagsForResourceCommand,
  ListTopicsCommand,
  NotFoundException,
  SetSubscriptionAttributesCommand,
  SetTopicAttributesCommand,
  SubscribeCommand,
  TagResourceCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusal } from './test-support/bed.ts'
import { startTopicBed, type TopicBed } from './test-support/topic-bed.ts'

let bed: TopicBed

beforeAll(async () => {
  bed = await startTopicBed()
})

afterAll(() => bed[Symbol.asyncDispose]())

const attributes = async (TopicArn: string): Promise<Record<string, string>> =>
  (await bed.sns.send(new GetTopicAttributesCommand({ TopicArn }))).Attributes ?? {}

describe('a topic', () => {
  it('is made once, with its attributes and tags', async () => {
    const Tags = [{ Key: 'team', Value: 'a & b <c>' }]
    const { TopicArn = '' } = await bed.sns.send(new CreateTopicCommand({ Name: 'made', Attributes: { DisplayName: 'A "name"' }, Tags }))
    expect(TopicArn).toBe('arn:aws:sns:eu-central-1:000000000000:made')
    expect(await bed.topic('made', { DisplayName: 'A "name"' })).toBe(TopicArn)
    expect(await attributes(TopicArn)).toMatchObject({ TopicArn, DisplayName: 'A "name"', Owner: '000000000000', SubscriptionsConfirmed: '0' })
    expect((await bed.sns.send(new ListTagsForResourceCommand({ ResourceArn: TopicArn }))).Tags).toEqual(Tags)
    await bed.sns.send(new TagResourceCommand({ ResourceArn: TopicArn, Tags: [{ Key: 'x', Value: 'y' }] }))
    expect((await bed.sns.send(new ListTagsForResourceCommand({ ResourceArn: TopicArn }))).Tags).toHaveLength(2)
    expect((await bed.sns.send(new ListTopicsCommand({}))).Topics).toContainEqual({ TopicArn })
    await expect(bed.topic('made', { DisplayName: 'another' })).rejects.toBeInstanceOf(InvalidParameterException)
  })

  it('changes one attribute at a time', async () => {
    const TopicArn = await bed.topic('changed.fifo')
    expect(await attributes(TopicArn)).toMatchObject({ FifoTopic: 'true', ContentBasedDeduplication: 'false', FifoThroughputScope: 'Topic' })
    await bed.sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName: 'ContentBasedDeduplication', AttributeValue: 'true' }))
    expect(await attributes(TopicArn)).toMatchObject({ ContentBasedDeduplication: 'true', FifoThroughputScope: 'Topic' })
  })

  it.each(['', 'a b', 'a.b', 'a'.repeat(257), 'a.fifo'])('refuses the name %j', async (Name) => {
    expect(await refusal(bed.sns.send(new CreateTopicCommand({ Name })))).toMatchObject({ status: 400 })
  })

  it.each([
    { Nonsense: 'x' },
    { MaximumMessageSize: '1023' },
    { MaximumMessageSize: '1048577' },
    { SignatureVersion: '3' },
    { ContentBasedDeduplication: 'true' },
  ])('refuses %o', async (wrong) => {
    expect(await refusal(bed.topic('wrong', wrong as Record<string, string>))).toMatchObject({ name: 'InvalidParameterException', code: 'InvalidParameter' })
  })

  it('that is missing is not found', async () => {
    const TopicArn = 'arn:aws:sns:eu-central-1:000000000000:missing'
    const expected = { name: 'NotFoundException', code: 'NotFound', status: 404, message: 'Topic does not exist' }
    expect(await refusal(bed.publish(TopicArn, 'a'))).toEqual(expected)
    expect(await refusal(attributes(TopicArn))).toEqual(expected)
    await bed.sns.send(new DeleteTopicCommand({ TopicArn }))
  })

  it('goes with its subscriptions', async () => {
    const TopicArn = await bed.topic('goes')
    const { arn } = await bed.openQueue('goes')
    const SubscriptionArn = await bed.subscribe(TopicArn, arn)
    await bed.sns.send(new DeleteTopicCommand({ TopicArn }))
    await expect(bed.sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn }))).rejects.toBeInstanceOf(NotFoundException)
  })
})

describe('a subscription', () => {
  it('is made once, described and ended', async () => {
    const TopicArn = await bed.topic('described')
    const { arn } = await bed.openQueue('described')
    const SubscriptionArn = await bed.subscribe(TopicArn, arn, { RawMessageDelivery: 'true', FilterPolicy: '{"a":["x"]}' })
    expect(await bed.subscribe(TopicArn, arn, { RawMessageDelivery: 'true' })).toBe(SubscriptionArn)
    expect(await refusal(bed.subscribe(TopicArn, arn, { RawMessageDelivery: 'false' }))).toMatchObject({
      name: 'InvalidParameterException',
      message: 'Invalid parameter: Attributes Reason: Subscription already exists with different attributes',
    })
    const described = { SubscriptionArn, TopicArn, Protocol: 'sqs', Endpoint: arn, Owner: '000000000000' }
    expect((await bed.sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }))).Subscriptions).toEqual([described])
    expect((await bed.sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn }))).Attributes).toEqual({
      ...described,
      RawMessageDelivery: 'true',
      FilterPolicy: '{"a":["x"]}',
      FilterPolicyScope: 'MessageAttributes',
      PendingConfirmation: 'false',
      ConfirmationWasAuthenticated: 'true',
    })
    expect(await attributes(TopicArn)).toMatchObject({ SubscriptionsConfirmed: '1' })
    await bed.sns.send(new UnsubscribeCommand({ SubscriptionArn }))
    await bed.sns.send(new UnsubscribeCommand({ SubscriptionArn }))
    expect((await bed.sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }))).Subscriptions ?? []).toEqual([])
  })

  it('is refused for what cannot be', async () => {
    const TopicArn = await bed.topic('refuses')
    const fifo = await bed.openQueue('refuses.fifo')
    const { arn } = await bed.openQueue('refuses')
    const expected = { name: 'InvalidParameterException', status: 400 }
    const wrong = await refusal(bed.subscribe(TopicArn, fifo.arn))
    expect(wrong).toMatchObject(expected)
    expect(wrong.message).toContain('FIFO SQS Queues can not be subscribed to standard SNS topics')
    expect(await refusal(bed.subscribe(TopicArn, 'no ARN'))).toMatchObject(expected)
    expect(await refusal(bed.subscribe(TopicArn, `${arn}-missing`))).toMatchObject(expected)
    expect(await refusal(bed.subscribe(TopicArn, arn, { Nonsense: 'x' }))).toMatchObject(expected)
    expect(await refusal(bed.subscribe(TopicArn, arn, { RawMessageDelivery: 'yes' }))).toMatchObject(expected)
    expect(await refusal(bed.subscribe(TopicArn, arn, { FilterPolicy: '{}', FilterPolicyScope: 'Body' }))).toMatchObject({
      message: 'Invalid parameter: FilterPolicyScope: Invalid value [Body]. Please use either MessageBody or MessageAttributes',
    })
    for (const deadLetterTargetArn of ['x', `${arn}-missing`, fifo.arn])
      expect(await refusal(bed.subscribe(TopicArn, arn, { RedrivePolicy: JSON.stringify({ deadLetterTargetArn }) }))).toMatchObject(expected)
    expect(await refusal(bed.sns.send(new SubscribeCommand({ TopicArn, Protocol: 'kinesis', Endpoint: arn })))).toMatchObject(expected)
    expect(await refusal(bed.sns.send(new ConfirmSubscriptionCommand({ TopicArn, Token: 'x' })))).toMatchObject(expected)
  })

  it('of a FIFO topic: so many and no more', async () => {
    await using small = await startTopicBed({ limits: { fifoSubscriptions: 1 } })
    const topic = await small.topic('few.fifo')
    await small.subscribe(topic, (await small.openQueue('one.fifo')).arn)
    expect(await refusal(small.subscribe(topic, (await small.openQueue('two')).arn))).toMatchObject({ name: 'SubscriptionLimitExceededException', status: 403 })
  })

  it.each<[string, Record<string, string>, string]>([
    ['more than five keys', { FilterPolicy: '{"a":["x"],"b":["x"],"c":["x"],"d":["x"],"e":["x"],"f":["x"]}' }, 'Filter policy can not have more than 5 keys'],
    ['an empty list', { FilterPolicy: '{"a":[]}' }, 'Empty arrays are not allowed'],
    ['nesting on attributes', { FilterPolicy: '{"a":{"b":["x"]}}' }, 'Filter policy scope MessageAttributes does not support nested filter policy'],
    ['an unknown operator', { FilterPolicy: '{"a":[{"wildcard":"x*"}]}' }, 'Unrecognized match type wildcard'],
    ['no list', { FilterPolicy: '{"key":"x"}' }, '"key" must be an object or an array'],
    ['no JSON', { FilterPolicy: '{' }, 'failed to parse JSON.'],
  ])('refuses a filter: %s', async (_, policy, reason) => {
    const TopicArn = await bed.topic('filters')
    const { arn } = await bed.openQueue('filters')
    expect((await refusal(bed.subscribe(TopicArn, arn, policy))).message).toBe(`Invalid parameter: Attributes Reason: FilterPolicy: ${reason}`)
    const other = await bed.openQueue('filters-set')
    const SubscriptionArn = await bed.subscribe(TopicArn, other.arn)
    const set = new SetSubscriptionAttributesCommand({ SubscriptionArn, AttributeName: 'FilterPolicy', AttributeValue: policy['FilterPolicy'] })
    expect((await refusal(bed.sns.send(set))).message).toBe(`Invalid parameter: FilterPolicy: ${reason}`)
  })
})

describe('a profile without topics', () => {
  it('does not answer', async () => {
    await using queues = await startTopicBed({ profile: 'sqs-standard' })
    await expect(queues.topic('none')).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } })
  })
})
