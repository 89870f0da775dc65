import { parseApiGatewayForm, parseApiGatewayRequest, parseEventBridgeEvent, parseS3Event, parseSnsMessage, type SnsNotification } from '@busbar/sqs/foreign'
import { expected, first, isCount, optionalText, texts } from '../checks.ts'
import type { Draw } from '../draw.ts'
import { bodyLike, jsonLike, textLike, valueLike } from '../inputs.ts'
import { target, withCode } from '../target.ts'

const undecodable = withCode('ERR_UNDECODABLE')

export const snsNotification = {
  Type: 'Notification',
  MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
  TopicArn: 'arn:aws:sns:eu-central-1:123456789012:order-placed',
  Subject: 'An order',
  Message: '{"total":1}\nü',
  Timestamp: '2026-01-01T00:00:00.000Z',
  SignatureVersion: '1',
  Signature: 'c2lnbmF0dXJl',
  SigningCertURL: 'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem',
  MessageAttributes: { tenant: { Type: 'String', Value: 'acme' }, bin: { Type: 'Binary.gz', Value: 'AAEC' }, n: { Type: 'Number', Value: '1' } },
}
export const snsConfirmation = {
  ...snsNotification,
  Type: 'SubscriptionConfirmation',
  Token: 'token-1',
  SubscribeURL: 'https://sns.eu-central-1.amazonaws.com/?x',
}

const s3Record = {
  eventVersion: '2.1',
  eventSource: 'aws:s3',
  eventTime: '2026-01-01T00:00:00.000Z',
  awsRegion: 'eu-central-1',
  eventName: 'ObjectCreated:Put',
  s3: { bucket: { name: 'b' }, object: { key: 'a+b%C3%A4.txt', size: 12, eTag: 'e', versionId: 'v', sequencer: '0A' } },
}
const s3Events = [{ Records: [s3Record, s3Record] }, { Service: 'Amazon S3', Event: 's3:TestEvent', Time: '2026-01-01T00:00:00.000Z', Bucket: 'b' }]
const bridgeEvent = {
  version: '0',
  id: '17793124-05d4-b198-2fde-7ededc63b103',
  'detail-type': 'Object Created',
  source: 'aws.s3',
  account: '123456789012',
  time: '2026-01-01T00:00:00Z',
  region: 'eu-central-1',
  resources: ['arn:aws:s3:::b'],
  detail: { bucket: { name: 'b' } },
}
const through = (event: unknown): object => ({ ...snsNotification, Message: JSON.stringify(event) })
const requests = [
  {
    'body-json': { a: 1 },
    params: { path: { id: '1' }, querystring: { q: 'x' }, header: { Accept: '*/*' } },
    'stage-variables': {},
    context: { 'http-method': 'POST' },
  },
  {
    body: 'aGVsbG8=',
    isBase64Encoded: true,
    httpMethod: 'PUT',
    headers: { A: 'b' },
    queryStringParameters: { q: 'x' },
    pathParameters: null,
    requestContext: { stage: 'p' },
  },
]

/** As text, as bytes, and decoded already. */
function anyForm(samples: readonly unknown[]): (draw: Draw) => unknown {
  const asBody = bodyLike(jsonLike(samples))
  const asValue = valueLike(samples, 'code')
  return (draw) => (draw.chance(0.7) ? asBody(draw) : asValue(draw))
}

/** What others put into queues. */
export const foreignTargets = [
  target({
    name: 'sns-envelope',
    generate: anyForm([snsNotification, snsConfirmation]),
    decode: parseSnsMessage,
    problem: (message) =>
      first(
        expected(
          [message.messageId, message.topicArn, message.message, message.timestampText].every((text) => typeof text === 'string'),
          'a field is no text',
          message,
        ),
        expected(Number.isFinite(message.timestamp), 'the timestamp is', message.timestamp),
        message.signature &&
          expected(
            Object.values(message.signature).every((text) => typeof text === 'string'),
            'the signature is',
            message.signature,
          ),
        message.type === 'Notification'
          ? notification(message)
          : expected(typeof message.token === 'string' && typeof message.subscribeUrl === 'string', 'token or URL is no text', message),
      ),
    mayThrow: undecodable,
  }),
  target({
    name: 's3-event',
    generate: anyForm([...s3Events, ...s3Events.map(through)]),
    decode: parseS3Event,
    problem: ({ records, test }) =>
      first(
        test && expected(typeof test.bucket === 'string' && Number.isFinite(test.time), 'the test event is', test),
        ...records.map(({ name, time, region, bucket, key, size, eTag, versionId, sequencer }) =>
          first(
            expected(
              [name, region, bucket, key].every((text) => typeof text === 'string'),
              'a field is no text',
              name,
            ),
            expected(Number.isFinite(time), 'the time is', time),
            expected(size === undefined || isCount(size), 'the size is', size),
            ...[eTag, versionId, sequencer].map((text) => optionalText('a field', text)),
          ),
        ),
      ),
    mayThrow: undecodable,
  }),
  target({
    name: 'event-bridge-event',
    generate: anyForm([bridgeEvent, through(bridgeEvent)]),
    decode: parseEventBridgeEvent,
    problem: ({ id, source, detailType, account, region, time, resources, detail, replayName }) =>
      first(
        expected(
          [id, source, detailType, account, region, ...resources].every((text) => typeof text === 'string'),
          'a field is no text',
          id,
        ),
        expected(Number.isFinite(time), 'the time is', time),
        expected(typeof detail === 'object' && detail !== null, 'the detail is', detail),
        optionalText('replayName', replayName),
      ),
    mayThrow: undecodable,
  }),
  target({
    name: 'api-gateway-request',
    generate: anyForm(requests),
    decode: parseApiGatewayRequest,
    problem: ({ method, pathParameters, query, headers, stageVariables, context }) =>
      first(
        optionalText('method', method),
        ...Object.entries({ pathParameters, query, headers, stageVariables }).map(([name, values]) => texts(name, values)),
        expected(typeof context === 'object' && context !== null, 'the context is', context),
      ),
    mayThrow: undecodable,
  }),
  target({
    name: 'api-gateway-form',
    generate: (draw) => ({ form: form(draw), base64: draw.chance(0.3) }),
    decode: ({ form, base64 }) => parseApiGatewayForm(form, { base64 }),
    problem: (values) =>
      expected(
        Object.getPrototypeOf(values) === null && Object.keys(values).every((name) => values[name]?.every((value) => typeof value === 'string')),
        'names and lists of texts are expected, not',
        values,
      ),
    mayThrow: undecodable,
  }),
]

const form = bodyLike(textLike(['a=1&b=x+y&b=%C3%A4&c', '__proto__=1&constructor=2', 'YT0xJmI9Mg==']))

function notification({ subject, sequenceNumber, unsubscribeUrl, attributes }: SnsNotification): string | undefined {
  return first(
    ...[subject, sequenceNumber, unsubscribeUrl].map((text) => optionalText('a field', text)),
    expected(Object.getPrototypeOf(attributes) === null, 'attributes have a prototype', attributes),
    ...Object.entries(attributes).map(([name, { type, value }]) =>
      expected(typeof type === 'string' && (typeof value === 'string') === !type.startsWith('Binary'), `the attribute '${name}' is`, value),
    ),
  )
}
