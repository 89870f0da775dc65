import { hash } from 'node:crypto'
import { fieldBytes, ProtobufWriter, varintBytes } from './protobuf.ts'
import { digestBytes, fields, frameBytes, magic } from './format.ts'
import type { UserRecord } from './user-record.ts'

/** Gathers user records for one aggregated record of bounded size. Adding costs the same however many there are. */
export class Aggregator {
  readonly #maxBytes: number
  readonly #partitionKeys = new Map<string, number>()
  readonly #explicitHashKeys = new Map<string, number>()
  readonly #records: { readonly record: UserRecord; readonly innerBytes: number }[] = []
  #bytes: number = frameBytes

  /** `maxBytes`: of the whole, magic bytes and MD5 included. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get count(): number {
    return this.#records.length
  }

  /** Of the whole if it were built now. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds the record behind the others, or answers false where it does not fit. */
  add(record: UserRecord): boolean {
    const innerBytes = this.#innerBytes(record)
    const bytes = this.#bytes + fieldBytes(innerBytes) + this.#newKeyBytes(record)
    if (bytes > this.#maxBytes) return false
    this.#bytes = bytes
    indexIn(this.#partitionKeys, record.partitionKey)
    if (record.explicitHashKey !== undefined) indexIn(this.#explicitHashKeys, record.explicitHashKey)
    this.#records.push({ record, innerBytes })
    return true
  }

  /** The aggregated record. */
  build(): Uint8Array {
    const whole = new Uint8Array(this.#bytes)
    whole.set(magic)
    const writer = new ProtobufWriter(whole, magic.length)
    for (const key of this.#partitionKeys.keys()) writer.textField(fields.partitionKeyTable, key)
    for (const key of this.#explicitHashKeys.keys()) writer.textField(fields.explicitHashKeyTable, key)
    for (const { record, innerBytes } of this.#records) {
      writer.beginBytes(fields.records, innerBytes)
      writer.numberField(fields.partitionKeyIndex, indexIn(this.#partitionKeys, record.partitionKey))
      if (record.explicitHashKey !== undefined) writer.numberField(fields.explicitHashKeyIndex, indexIn(this.#explicitHashKeys, record.explicitHashKey))
      writer.bytesField(fields.data, record.data)
    }
    const message = whole.subarray(magic.length, whole.length - digestBytes)
    whole.set(hash('md5', message, 'buffer'), whole.length - digestBytes)
    return whole
  }

  #innerBytes({ partitionKey, explicitHashKey, data }: UserRecord): number {
    const ofIndex = (table: ReadonlyMap<string, number>, key: string): number => 1 + varintBytes(table.get(key) ?? table.size)
    return (
      ofIndex(this.#partitionKeys, partitionKey) +
      (explicitHashKey === undefined ? 0 : ofIndex(this.#explicitHashKeys, explicitHashKey)) +
      fieldBytes(data.length)
    )
  }

  #newKeyBytes({ partitionKey, explicitHashKey }: UserRecord): number {
    const ofPartitionKey = this.#partitionKeys.has(partitionKey) ? 0 : fieldBytes(Buffer.byteLength(partitionKey))
    return explicitHashKey === undefined || this.#explicitHashKeys.has(explicitHashKey) ? ofPartitionKey : ofPartitionKey + fieldBytes(explicitHashKey.length)
  }
}

function indexIn(table: Map<string, number>, key: string): number {
  const known = table.get(key)
  if (known !== undefined) return known
  table.set(key, table.size)
  return table.size - 1
}
