import { noHeaders, noMetadata, openEnvelope, type Incoming } from '@busbar/core/driver'
import type { ShardRecord } from './shard-record.ts'

/** A record of any origin, at `position`, as a message. Never throws. `envelope`: data may begin with one. */
export function incomingOf(record: ShardRecord, position: string, envelope: boolean): Incoming {
  const { data, partitionKey, arrivedAt, shard } = record
  const opened = envelope ? openEnvelope(data) : undefined
  const metadata = opened?.metadata ?? noMetadata
  const body = opened?.body ?? data
  return {
    // That of the record, where its sender gave none: the same whenever it is read.
    id: metadata.id ?? `${shard}/${position}`,
    body,
    bodyBytes: body.length,
    headers: opened?.headers ?? noHeaders,
    type: metadata.type,
    contentType: metadata.contentType,
    timestamp: metadata.timestamp ?? arrivedAt,
    // A message without a key has a partition key all the same, made of its id.
    key: metadata.id === undefined ? partitionKey : metadata.key,
    attempt: metadata.attempt ?? 0,
    correlationId: metadata.correlationId,
    replyTo: metadata.replyTo,
    position,
    native: record,
  }
}
