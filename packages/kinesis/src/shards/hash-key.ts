import { hash } from 'node:crypto'

/** Largest hash key: 2¹²⁸ − 1. */
export const maxHashKey: bigint = (1n << 128n) - 1n

/** Where a partition key belongs: the MD5 of its UTF-8 bytes as an unsigned number of 128 bits. */
export function hashKeyOf(partitionKey: string): bigint {
  return BigInt(`0x${hash('md5', partitionKey, 'hex')}`)
}

/** A hash key in decimal digits, as the service writes it; `undefined` for what is none. */
export function parseHashKey(text: string): bigint | undefined {
  if (!/^(0|[1-9]\d{0,38})$/.test(text)) return undefined
  const value = BigInt(text)
  return value <= maxHashKey ? value : undefined
}
