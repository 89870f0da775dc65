import { createHash } from 'node:crypto'

/** One above the largest hash key: 2^128. */
export const hashKeys: bigint = 1n << 128n

/** Amazon Kinesis: the MD5 of the key's UTF-8 bytes as an unsigned number of 128 bits. */
export function hashKey(partitionKey: string): bigint {
  return BigInt(`0x${createHash('md5').update(partitionKey, 'utf8').digest('hex')}`)
}
