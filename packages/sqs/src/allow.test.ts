import { expect, it } from 'vitest'
import { allowAccount, allowBucket, allowRule, allowTopic } from './allow.ts'

// Word for word: what is missing in a condition lets others in, and everything goes on as before.

it('lets one topic send, and no other of SNS', () => {
  expect(allowTopic('arn:aws:sns:eu-central-1:123456789012:order-placed')).toEqual({
    Sid: expect.stringMatching(/^BusbarTopic[0-9a-f]{16}$/),
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Condition: { ArnEquals: { 'aws:SourceArn': 'arn:aws:sns:eu-central-1:123456789012:order-placed' } },
  })
})

it('lets one bucket send as long as its account owns it', () => {
  expect(allowBucket('arn:aws:s3:::uploads', '123456789012')).toEqual({
    Sid: expect.stringMatching(/^BusbarBucket[0-9a-f]{16}$/),
    Effect: 'Allow',
    Principal: { Service: 's3.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:s3:::uploads' }, StringEquals: { 'aws:SourceAccount': '123456789012' } },
  })
})

it('lets one rule send, and no other of EventBridge', () => {
  expect(allowRule('arn:aws:events:eu-central-1:123456789012:rule/nightly')).toEqual({
    Sid: expect.stringMatching(/^BusbarRule[0-9a-f]{16}$/),
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Condition: { ArnEquals: { 'aws:SourceArn': 'arn:aws:events:eu-central-1:123456789012:rule/nightly' } },
  })
})

it('lets one account do what is named', () => {
  expect(allowAccount('210987654321', ['sqs:SendMessage'])).toEqual({
    Sid: expect.stringMatching(/^BusbarAccount[0-9a-f]{16}$/),
    Effect: 'Allow',
    Principal: { AWS: '210987654321' },
    Action: ['sqs:SendMessage'],
  })
})

it('has a statement of its own for each source, and the same again for the same', () => {
  const [one, again, other] = ['a', 'a', 'b'].map((name) => allowTopic(`arn:aws:sns:eu-central-1:123456789012:${name}`).Sid)
  expect([one === again, one === other]).toEqual([true, false])
})
