import type { Draw } from '../draw.ts'

const oddBytes: readonly number[] = [0, 1, 0x22, 0x5b, 0x7b, 0x7f, 0x80, 0xc0, 0xc3, 0xed, 0xf8, 0xfe, 0xff]

/** `bytes` with one to four changes. `others` are what it may be spliced with. */
export function mutatedBytes(draw: Draw, bytes: Uint8Array, others: readonly Uint8Array[] = [bytes]): Buffer {
  let result: Buffer = Buffer.from(bytes)
  for (let left = 1 + draw.below(4); left > 0; left--) result = changedBytes(draw, result, others)
  return result
}

/** In place where the length stays. */
function changedBytes(draw: Draw, bytes: Buffer, others: readonly Uint8Array[]): Buffer {
  const from = draw.below(bytes.length + 1)
  const to = Math.min(bytes.length, from + 1 + draw.below(draw.chance(0.8) ? 4 : bytes.length + 1))
  const [before, part, after] = [bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)]
  switch (draw.below(8)) {
    case 0:
      return Buffer.concat([before, after])
    case 1:
      return Buffer.concat([before, ...Array.from({ length: 2 + draw.below(draw.chance(0.02) ? 200 : 3) }, () => part), after])
    case 2:
      return Buffer.concat([before, draw.bytes(1 + draw.below(8)), after])
    case 3:
      return Buffer.from(before)
    case 4: {
      const other = draw.pick(others)
      return Buffer.concat([before, other.subarray(draw.below(other.length + 1))])
    }
    case 5:
      if (part.length > 0) part[0] = draw.pick(oddBytes)
      return bytes
    case 6:
      part.fill(draw.pick(oddBytes))
      return bytes
    default:
      if (part.length > 0) part[0] = (part[0] ?? 0) ^ (1 << draw.below(8))
      return bytes
  }
}
