/** A hash of texts, 32 bits, whole number with sign. */
export type KeyHash = (key: string) => number

/** A {@link KeyHash} with a secret of its own, so that nobody can choose message ids that all fall on one place of a table. */
export function secretKeyHash(): KeyHash {
  const [first, second] = crypto.getRandomValues(new Int32Array(2))
  return keyHash(first as number, second as number)
}

/**
 * HalfSipHash-1-3 (Aumasson, Bernstein) over the UTF-16 code units, two to a word, and their number.
 * The engine has a hash of each text too, but does not tell it.
 */
export function keyHash(first: number, second: number): KeyHash {
  return (key) => {
    const { length } = key
    // Behind the code units stands their number, and behind that three rounds without a word.
    const lengthAt = (length + 1) & ~1
    let v0 = first
    let v1 = second
    let v2 = first ^ 0x6c796765
    let v3 = second ^ 0x74656463
    for (let at = 0; at <= lengthAt + 6; at += 2) {
      if (at === lengthAt + 2) v2 ^= 0xff
      const word = at + 1 < length ? key.charCodeAt(at) | (key.charCodeAt(at + 1) << 16) : at < length ? key.charCodeAt(at) : at === lengthAt ? length : 0
      v3 ^= word
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
      v0 ^= word
    }
    return v1 ^ v3
  }
}
