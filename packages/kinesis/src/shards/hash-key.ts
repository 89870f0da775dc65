import { hash } from 'node:crypto'

/** Largest hash key: 2¹²⁸ − 1. */
export const maxHashKey: bigint = (1n << 128n) - 1n

/** Where a partition key belongs: the MD5 of its UTF-8 bytes as an unsigned number of 128 bits. */
export function hashKeyOf(partitionKey: string): bigint {
  return BigInt(`0x${hash('md5', partitionKey, 'hex')}`)
}

/** Keys of which {@link HashKeys} remembers where they belong, at most: some megabytes with the longest. */
const mostKnown = 10_000

/** {@link hashKeyOf} for keys that come again and again: to look one up takes a fraction of the time. */
export class HashKeys {
  readonly #hash: typeof hashKeyOf
  #known: Map<string, bigint> = new Map()

  constructor(hash: typeof hashKeyOf = hashKeyOf) {
    this.#hash = hash
  }

  of(partitionKey: string): bigint {
    const known = this.#known.get(partitionKey)
    if (known !== undefined) return known
    if (this.#known.size >= mostKnown) this.#known = new Map()
    const hashKey = this.#hash(partitionKey)
    // A key that was cut out of a body would keep the whole body.
    this.#known.set(Buffer.from(partitionKey).toString(), hashKey)
    return hashKey
  }
}

/** A hash key in decimal digits, as the service writes it; `undefined` for what is none. */
export function parseHashKey(text: string): bigint | undefined {
  if (!/^(0|[1-9]\d{0,38})$/.test(text)) return undefined
  const value = BigInt(text)
  return value <= maxHashKey ? value : undefined
}
