/** Limits of Amazon Kinesis Data Streams as of 2026, from the service's API reference and developer guide. */
export const limits = {
  /** Data and partition key of one record, unless a stream allows more. */
  recordBytes: 1_048_576,
  /** The most that a stream can be set to allow. */
  largestRecordBytes: 10_485_760,
  requestRecords: 500,
  /** Data and partition keys of all records of one request. */
  requestBytes: 10_485_760,
  /** What endpoints took until 2025, and some still do. */
  oldRequestBytes: 5_242_880,
  /** Of one GetRecords. */
  readRecords: 10_000,
  partitionKeyLength: 256,
  nameLength: 128,
  shardBytesPerSecond: 1_000_000,
  shardRecordsPerSecond: 1_000,
  shards: 10_000,
  retentionMs: { least: 86_400_000, most: 31_536_000_000 },
} as const
