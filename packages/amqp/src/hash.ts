/**
 * MurmurHash3 (x86, 32 bits, seed 0) of the UTF-8 bytes of `text`, unsigned. Published and available in every language, so that plain clients can
 * choose the same partition: `murmur3('hello') === 0x248bfa47`.
 */
export function murmur3(text: string): number {
  const bytes = Buffer.from(text, 'utf8')
  const blocks = bytes.length & ~3
  let hash = 0
  for (let at = 0; at < blocks; at += 4) {
    hash ^= scramble(bytes.readUInt32LE(at))
    hash = (hash << 13) | (hash >>> 19)
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let at = bytes.length - 1; at >= blocks; at--) tail = (tail << 8) | (bytes[at] ?? 0)
  if (bytes.length > blocks) hash ^= scramble(tail)
  return finish(hash ^ bytes.length)
}

/** The partition of a key: `murmur3(key) mod partitions`, from 0. */
export function partitionOf(key: string, partitions: number): number {
  return murmur3(key) % partitions
}

function scramble(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51)
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
}

function finish(value: number): number {
  let hash = value ^ (value >>> 16)
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
