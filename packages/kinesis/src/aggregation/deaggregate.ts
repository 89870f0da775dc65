import { hash } from 'node:crypto'
import { covers, type Shard } from '../shards/shard-map.ts'
import { parseHashKey } from '../shards/hash-key.ts'
import { digestBytes, fields, frameBytes, magic } from './format.ts'
import { readFields } from './protobuf.ts'
import { effectiveHashKey, type UserRecord } from './user-record.ts'

/** What the data of a Kinesis record turned out to be. */
export type Deaggregated =
  /**
   * One record of its own. `suspicion`: it begins like an aggregated record and is none, because it is too short, its MD5 differs, or what follows cannot be read.
   * The Kinesis Client Library takes it for a plain record all the same.
   */
  | { readonly form: 'plain'; readonly suspicion?: string }
  /** Records with sub-sequence numbers from 0, in order. Their data are views. */
  | { readonly form: 'aggregated'; readonly records: readonly UserRecord[] }
  /** Certainly an aggregated record, by its MD5, that names keys which it does not have: it cannot be split. The Kinesis Client Library fails there. */
  | { readonly form: 'corrupt'; readonly reason: string }

const plain: Deaggregated = { form: 'plain' }

/** Splits an aggregated record of the Kinesis Producer Library, and tells it from all others. Pure; throws nothing. */
export function deaggregate(data: Uint8Array): Deaggregated {
  // Told by the first byte, nearly always.
  if (data[0] !== magic[0] || !magic.every((byte, index) => data[index] === byte)) return plain
  if (data.length <= frameBytes) return { form: 'plain', suspicion: 'it is too short for an aggregated record' }
  const end = data.length - digestBytes
  const message = data.subarray(magic.length, end)
  if (!hash('md5', message, 'buffer').equals(data.subarray(end))) return { form: 'plain', suspicion: 'its MD5 is that of other bytes' }
  try {
    return split(readMessage(message))
  } catch (error) {
    return { form: 'plain', suspicion: `it cannot be read: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/**
 * Do all user records belong into the shard by their own keys? If one does not, the Kinesis Client Library drops all of them, relying on the Kinesis Producer Library
 * to send again what went to another shard than it had meant. Other producers may put any keys together.
 */
export function allBelongTo(records: readonly UserRecord[], shard: Pick<Shard, 'start' | 'end'>): boolean {
  // Once for each key, not for each record: a megabyte holds a hundred thousand of these.
  const partitionKeys = new Set<string>()
  const explicitHashKeys = new Set<string>()
  return records.every((record) => {
    const { partitionKey, explicitHashKey } = record
    const seen = explicitHashKey === undefined ? partitionKeys : explicitHashKeys
    const key = explicitHashKey ?? partitionKey
    if (seen.has(key)) return true
    seen.add(key)
    return covers(shard, effectiveHashKey(record))
  })
}

interface Message {
  readonly partitionKeys: readonly string[]
  readonly explicitHashKeys: readonly string[]
  readonly records: readonly InnerRecord[]
}

interface InnerRecord {
  readonly partitionKeyIndex: number
  readonly explicitHashKeyIndex: number | undefined
  readonly data: Uint8Array
}

function split({ partitionKeys, explicitHashKeys, records }: Message): Deaggregated {
  const bad = explicitHashKeys.find((key) => parseHashKey(key) === undefined)
  if (bad !== undefined) return { form: 'corrupt', reason: `${JSON.stringify(bad.slice(0, 64))} is no hash key` }
  const userRecords: UserRecord[] = []
  for (const { partitionKeyIndex, explicitHashKeyIndex, data } of records) {
    const partitionKey = partitionKeys[partitionKeyIndex]
    if (partitionKey === undefined) return corruptIndex('partition key', partitionKeyIndex, partitionKeys.length)
    if (explicitHashKeyIndex === undefined) {
      userRecords.push({ partitionKey, data })
      continue
    }
    const explicitHashKey = explicitHashKeys[explicitHashKeyIndex]
    if (explicitHashKey === undefined) return corruptIndex('explicit hash key', explicitHashKeyIndex, explicitHashKeys.length)
    userRecords.push({ partitionKey, explicitHashKey, data })
  }
  return { form: 'aggregated', records: userRecords }
}

function corruptIndex(what: string, index: number, size: number): Deaggregated {
  return { form: 'corrupt', reason: `it names ${what} ${index} of a table of ${size}` }
}

/** A field of another wire type than it should have is an unknown one, as for every reader of Protocol Buffers. */
function readMessage(message: Uint8Array): Message {
  const partitionKeys: string[] = []
  const explicitHashKeys: string[] = []
  const records: InnerRecord[] = []
  for (const { number, value } of readFields(message)) {
    if (!(value instanceof Uint8Array)) continue
    if (number === fields.partitionKeyTable) partitionKeys.push(textOf(value))
    else if (number === fields.explicitHashKeyTable) explicitHashKeys.push(textOf(value))
    else if (number === fields.records) records.push(readRecord(value))
  }
  return { partitionKeys, explicitHashKeys, records }
}

function readRecord(message: Uint8Array): InnerRecord {
  let partitionKeyIndex: number | undefined
  let explicitHashKeyIndex: number | undefined
  let data: Uint8Array | undefined
  for (const { number, value } of readFields(message)) {
    if (value instanceof Uint8Array) {
      if (number === fields.data) data = value
    } else if (number === fields.partitionKeyIndex) partitionKeyIndex = value
    else if (number === fields.explicitHashKeyIndex) explicitHashKeyIndex = value
  }
  if (partitionKeyIndex === undefined || data === undefined) throw new RangeError('a record lacks its partition key or its data')
  return { partitionKeyIndex, explicitHashKeyIndex, data }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
