// The aggregated record of the Kinesis Producer Library: magic bytes, an `AggregatedRecord` in Protocol Buffers, the MD5 of the latter.

export const magic: Uint8Array = Uint8Array.of(0xf3, 0x89, 0x9a, 0xc2)

export const digestBytes = 16

/** What is around the protobuf bytes. */
export const frameBytes: number = magic.length + digestBytes

/** Numbers of fields. */
export const fields = {
  /** Of `AggregatedRecord`. */
  partitionKeyTable: 1,
  explicitHashKeyTable: 2,
  records: 3,
  /** Of `Record`. */
  partitionKeyIndex: 1,
  explicitHashKeyIndex: 2,
  data: 3,
} as const
