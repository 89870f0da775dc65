import type { Fields } from './fields.ts'
import { formText } from './form-text.ts'
import { fieldsThroughSns } from './through-sns.ts'

/** What S3 notifies of. */
export interface S3Event {
  /** Empty for a test event. */
  readonly records: readonly S3Record[]
  /** S3 sends one when notifications are configured: there is nothing to do for it. */
  readonly test: S3TestEvent | undefined
}

export interface S3TestEvent {
  readonly bucket: string
  /** Epoch milliseconds. */
  readonly time: number
}

/** One object that something has happened to. */
export interface S3Record {
  /** `ObjectCreated:Put`. */
  readonly name: string
  /** Epoch milliseconds. */
  readonly time: number
  readonly region: string
  readonly bucket: string
  /** Decoded: on the way it is URL-encoded, with `+` for blanks. */
  readonly key: string
  /** Bytes. Events of deletions have none. */
  readonly size: number | undefined
  readonly eTag: string | undefined
  readonly versionId: string | undefined
  /** Hexadecimal; tells the order of events of one key: pad both at the left to one length and compare. */
  readonly sequencer: string | undefined
  /** The record as it came, for what is not named here. */
  readonly native: Readonly<Record<string, unknown>>
}

const what = 'an event of S3'

/**
 * An event that S3 put into the queue, directly or through SNS; EventBridge sends events of S3 in a form of its own, see `parseEventBridgeEvent`.
 * `body`: JSON as text or UTF-8 bytes, or what it was decoded to. Who may send to the queue can forge it. S3 promises no order, and repeats.
 * Throws `ERR_UNDECODABLE` for everything else, and for events of another major version than 2.
 */
export function parseS3Event(body: unknown): S3Event {
  const fields = fieldsThroughSns(body, what)
  if (fields.has('Records')) return { records: fields.list('Records').map(recordOf), test: undefined }
  if (fields.text('Event') !== 's3:TestEvent') fields.fail('Records', 'is missing')
  return { records: [], test: { bucket: fields.text('Bucket'), time: fields.instant('Time') } }
}

function recordOf(record: Fields): S3Record {
  if (record.text('eventSource') !== 'aws:s3') record.fail('eventSource', 'must be aws:s3')
  if (!/^2\.\d+$/.test(record.text('eventVersion'))) record.fail('eventVersion', 'must be 2.x')
  const s3 = record.fields('s3')
  const object = s3.fields('object')
  return {
    name: record.text('eventName'),
    time: record.instant('eventTime'),
    region: record.text('awsRegion'),
    bucket: s3.fields('bucket').text('name'),
    key: formText(object.text('key')) ?? object.fail('key', 'must be URL-encoded'),
    size: object.optionalCount('size'),
    eTag: object.optionalText('eTag'),
    versionId: object.optionalText('versionId'),
    sequencer: object.optionalText('sequencer'),
    native: record.values,
  }
}
