import { createHash } from 'node:crypto'
import type { Outgoing } from '@busbar/core/driver'

/** One above the largest hash key: 2^128. */
export const hashKeys: bigint = 1n << 128n

/** Longest partition key, in characters. */
export const partitionKeyLength = 256

/** Messages without a key are spread by their id, or as much of it as fits; a plain client's may have neither. */
export function partitionKey(message: Pick<Outgoing, 'key'> & { readonly id: string | undefined }): string {
  return message.key ?? message.id?.slice(0, partitionKeyLength) ?? ''
}

/** Amazon Kinesis: the MD5 of the key's UTF-8 bytes as an unsigned number of 128 bits. */
export function hashKey(partitionKey: string): bigint {
  return BigInt(`0x${createHash('md5').update(partitionKey, 'utf8').digest('hex')}`)
}
