import { expect, it } from 'vitest'
import { parseS3Event } from './s3-event.ts'

/** The record of S3's documentation, with a key that needs encoding. */
const record = {
  eventVersion: '2.1',
  eventSource: 'aws:s3',
  awsRegion: 'us-west-2',
  eventTime: '1970-01-01T00:00:00.000Z',
  eventName: 'ObjectCreated:Put',
  userIdentity: { principalId: 'AIDAJDPLRKLG7UEXAMPLE' },
  requestParameters: { sourceIPAddress: '127.0.0.1' },
  responseElements: { 'x-amz-request-id': 'C3D13FE58DE4C810', 'x-amz-id-2': 'FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD' },
  s3: {
    s3SchemaVersion: '1.0',
    configurationId: 'testConfigRule',
    bucket: { name: 'amzn-s3-demo-bucket', ownerIdentity: { principalId: 'A3NL1KOZZKExample' }, arn: 'arn:aws:s3:::amzn-s3-demo-bucket' },
    object: {
      key: 'red+flowers/h%C3%A4%C3%9F%2B1.jpg',
      size: 1024,
      eTag: 'd41d8cd98f00b204e9800998ecf8427e',
      versionId: '096fKKXTRTtl3on89fVO.nfljtsv6qko',
      sequencer: '0055AED6DCD90281E5',
    },
  },
}

const deletion = {
  ...record,
  eventVersion: '2.3',
  eventName: 'ObjectRemoved:Delete',
  s3: { ...record.s3, object: { key: 'a', sequencer: '0055AED6DCD90281E6' } },
}

const testEvent = {
  Service: 'Amazon S3',
  Event: 's3:TestEvent',
  Time: '2014-10-13T15:57:02.089Z',
  Bucket: 'amzn-s3-demo-bucket',
  RequestId: '5582815E1AEA5ADF',
  HostId: '8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE',
}

function throughSns(event: unknown): string {
  return JSON.stringify({
    Type: 'Notification',
    MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
    TopicArn: 'arn:aws:sns:us-west-2:123456789012:uploads',
    Subject: 'Amazon S3 Notification',
    Message: JSON.stringify(event),
    Timestamp: '2012-05-02T00:54:06.655Z',
  })
}

it('reads records, keys decoded', () => {
  const { records, test } = parseS3Event(JSON.stringify({ Records: [record, deletion] }))
  expect(test).toBeUndefined()
  expect(records[0]).toEqual({
    name: 'ObjectCreated:Put',
    time: 0,
    region: 'us-west-2',
    bucket: 'amzn-s3-demo-bucket',
    key: 'red flowers/häß+1.jpg',
    size: 1024,
    eTag: 'd41d8cd98f00b204e9800998ecf8427e',
    versionId: '096fKKXTRTtl3on89fVO.nfljtsv6qko',
    sequencer: '0055AED6DCD90281E5',
    native: record,
  })
  expect(records[1]).toMatchObject({ name: 'ObjectRemoved:Delete', key: 'a', size: undefined, eTag: undefined, versionId: undefined })
})

it('reads the same through SNS, and what was decoded before', () => {
  const direct = parseS3Event({ Records: [record] })
  expect(parseS3Event(throughSns({ Records: [record] }))).toEqual(direct)
})

it('has no records in a test event, so that there is nothing to do', () => {
  const expected = { records: [], test: { bucket: 'amzn-s3-demo-bucket', time: Date.UTC(2014, 9, 13, 15, 57, 2, 89) } }
  expect(parseS3Event(JSON.stringify(testEvent))).toEqual(expected)
  expect(parseS3Event(throughSns(testEvent))).toEqual(expected)
})

it.each([
  ['', 'it is no JSON'],
  [{}, "'Event' is missing"],
  [{ Event: 'other' }, "'Records' is missing"],
  [{ Records: {} }, "'Records' must be a list"],
  [{ Records: [record, 7] }, "'Records[1]' must be an object"],
  [{ Records: [{ ...record, eventSource: 'aws:sqs' }] }, "'Records[0].eventSource' must be aws:s3"],
  [{ Records: [{ ...record, eventVersion: '3.0' }] }, "'Records[0].eventVersion' must be 2.x"],
  [{ Records: [{ ...record, s3: undefined }] }, "'Records[0].s3' is missing"],
  [{ Records: [{ ...record, s3: { ...record.s3, object: { key: '100%' } } }] }, "'Records[0].s3.object.key' must be URL-encoded"],
  [{ Records: [{ ...record, s3: { ...record.s3, object: { key: 'a', size: -1 } } }] }, "'Records[0].s3.object.size' must be a whole number"],
  [throughSns('text'), 'it is no JSON object'],
  [throughSns({ Records: [{}] }), "'Records[0].eventSource' is missing"],
])('refuses %j', (body, problem) => {
  expect(() => parseS3Event(body)).toThrow(expect.objectContaining({ code: 'ERR_UNDECODABLE', message: expect.stringContaining(problem) }))
})
