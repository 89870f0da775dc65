import { expect, it } from 'vitest'
import { parseSnsMessage, parseSnsNotification } from './sns-message.ts'

/** As SNS delivers to a queue; the signature is shortened. */
const notification = {
  Type: 'Notification',
  MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
  TopicArn: 'arn:aws:sns:us-west-2:123456789012:MyTopic',
  Subject: 'My First Message',
  Message: 'Hello world!',
  Timestamp: '2012-05-02T00:54:06.655Z',
  SignatureVersion: '1',
  Signature: 'EXAMPLEw6JRN',
  SigningCertURL: 'https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem',
  UnsubscribeURL: 'https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-west-2:123456789012:MyTopic:c9135db0',
  MessageAttributes: {
    tenant: { Type: 'String', Value: 'acmé' },
    n: { Type: 'Number.int', Value: '42' },
    blob: { Type: 'Binary', Value: 'AAH/' },
    list: { Type: 'String.Array', Value: '["a",1,null]' },
  },
}

const confirmation = {
  Type: 'SubscriptionConfirmation',
  MessageId: '165545c9-2a5c-472c-8df2-7ff2be2b3b1b',
  Token: '2336412f37fb687f5d51e6e2425f004aed7d22c68f',
  TopicArn: 'arn:aws:sns:us-west-2:123456789012:MyTopic',
  Message:
    'You have chosen to subscribe to the topic arn:aws:sns:us-west-2:123456789012:MyTopic.\nTo confirm, visit the SubscribeURL included in this message.',
  SubscribeURL: 'https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-west-2:123456789012:MyTopic&Token=2336412f37',
  Timestamp: '2012-04-26T20:45:04.751Z',
  SignatureVersion: '2',
  Signature: 'EXAMPLEpH+DcEw',
  SigningCertURL: 'https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem',
}

it('reads a notification with subject, attributes of all types and a signature', () => {
  const { attributes, ...others } = parseSnsNotification(JSON.stringify(notification))
  expect(others).toEqual({
    type: 'Notification',
    messageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
    topicArn: 'arn:aws:sns:us-west-2:123456789012:MyTopic',
    subject: 'My First Message',
    message: 'Hello world!',
    timestamp: Date.UTC(2012, 4, 2, 0, 54, 6, 655),
    timestampText: '2012-05-02T00:54:06.655Z',
    sequenceNumber: undefined,
    signature: { version: '1', text: 'EXAMPLEw6JRN', certificateUrl: notification.SigningCertURL },
    unsubscribeUrl: notification.UnsubscribeURL,
  })
  expect({ ...attributes }).toEqual({
    tenant: { type: 'String', value: 'acmé' },
    n: { type: 'Number.int', value: '42' },
    blob: { type: 'Binary', value: Buffer.of(0, 1, 0xff) },
    list: { type: 'String.Array', value: '["a",1,null]' },
  })
})

it('reads one of a FIFO topic, which has a sequence number and no signature', () => {
  const { Signature: _signature, SignatureVersion: _version, SigningCertURL: _url, Subject: _subject, MessageAttributes: _attributes, ...common } = notification
  const read = parseSnsNotification({ ...common, TopicArn: `${common.TopicArn}.fifo`, SequenceNumber: '10000000000000003000' })
  expect(read).toMatchObject({ sequenceNumber: '10000000000000003000', signature: undefined, subject: undefined, attributes: {} })
})

it('reads bytes, and what was decoded before', () => {
  expect(parseSnsMessage(Buffer.from(JSON.stringify(notification)))).toEqual(parseSnsMessage(notification))
})

it('reads confirmations where they are asked for, and refuses them as notifications', () => {
  expect(parseSnsMessage(JSON.stringify(confirmation))).toMatchObject({
    type: 'SubscriptionConfirmation',
    token: confirmation.Token,
    subscribeUrl: confirmation.SubscribeURL,
    signature: { version: '2' },
  })
  expect(() => parseSnsNotification(confirmation)).toThrow(expect.objectContaining({ code: 'ERR_UNDECODABLE', message: expect.stringContaining('confirm') }))
  expect(() => parseSnsMessage({ ...confirmation, Token: undefined })).toThrow("'Token' is missing")
})

it.each([
  ['', 'it is no JSON'],
  ['{"Type":"Notification"', 'it is no JSON'],
  ['"Notification"', 'it is no JSON object'],
  ['null', 'it is no JSON object'],
  [Uint8Array.of(0xff), 'it is no UTF-8'],
  [[notification], 'it is no JSON object'],
  [{ orderId: 'o-1' }, "'Type' is missing"],
  [{ ...notification, Type: 'Other' }, "'Type' must be"],
  [{ ...notification, MessageId: 7 }, "'MessageId' must be a text"],
  [{ ...notification, MessageId: '' }, "'MessageId' is empty"],
  [{ ...notification, TopicArn: 'arn:aws:sqs:us-west-2:123456789012:queue' }, "'TopicArn' must be the ARN of a topic"],
  [{ ...notification, Message: { text: 'x' } }, "'Message' must be a text"],
  [{ ...notification, Message: undefined }, "'Message' is missing"],
  [{ ...notification, Timestamp: 'yesterday' }, "'Timestamp' must be a date"],
  [{ ...notification, Timestamp: '2012-13-02T00:54:06.655Z' }, "'Timestamp' must be a date"],
  [{ ...notification, Subject: 1 }, "'Subject' must be a text"],
  [{ ...notification, Signature: undefined }, "'Signature' is missing"],
  [{ ...notification, MessageAttributes: [] }, "'MessageAttributes' must be an object"],
  [{ ...notification, MessageAttributes: { a: 'text' } }, "'MessageAttributes.a' must be an object"],
  [{ ...notification, MessageAttributes: { a: { Type: 'String' } } }, "'MessageAttributes.a.Value' is missing"],
  [{ ...notification, MessageAttributes: { a: { Type: 'Text', Value: 'x' } } }, "'MessageAttributes.a.Type' must be"],
  [{ ...notification, MessageAttributes: { a: { Type: 'Binary', Value: '!' } } }, "'MessageAttributes.a.Value' must be base64"],
])('refuses %j', (body, problem) => {
  expect(() => parseSnsMessage(body)).toThrow(expect.objectContaining({ code: 'ERR_UNDECODABLE', retryable: false, message: expect.stringContaining(problem) }))
})

function failureOf(body: unknown): Error {
  try {
    parseSnsMessage(body)
  } catch (error) {
    return error as Error
  }
  throw new Error('it was parsed')
}

it('takes names of attributes for names alone', () => {
  const text = JSON.stringify(notification).replace('"tenant"', '"__proto__"')
  const { attributes } = parseSnsNotification(text)
  expect(Object.keys(attributes)).toContain('__proto__')
  expect(Object.getPrototypeOf(attributes)).toBeNull()
  expect(() => parseSnsNotification(Object.create(notification))).toThrow("'Type' is missing")
})

it('says little of names, however long and odd they are', () => {
  const name = `\u0000${'long'.repeat(100_000)}`
  const { message } = failureOf({ ...notification, MessageAttributes: { [name]: { Type: 'String' } } })
  expect(message).toMatch(/^[ -~]{1,200}$/)
})

it('says nothing of what is in a body', () => {
  const secret = JSON.stringify({ ...notification, Message: 7, Subject: 'secret' })
  expect(() => parseSnsMessage(secret)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }))
})
