import { createHash } from 'node:crypto'

/** Partitions that claims are spread over. All processes must agree on it, so it is no option. */
export const slots = 16

/** Bytes of a sort key that show the beginning of the claim's key. DynamoDB allows 1,024, and a digest follows. */
const shownBytes = 900

/** Escapes and halves of surrogate pairs, which UTF-8 has no bytes for. */
const unsafe = /[%\p{Cs}]/gu
const escaped = /%([0-9a-f]{4})/g

/** Where the claim of a key is. */
export interface Place {
  readonly slot: string
  readonly name: string
}

/** A text in which every key has a form of its own in UTF-8, and keys with a common beginning have one too. */
export function encode(text: string): string {
  return text.replace(unsafe, (character) => `%${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export function decode(text: string): string {
  return text.replace(escaped, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

/** A key that is longer than a sort key may be is cut, and told apart by a digest. */
export function placeOf(key: string): Place {
  const encoded = encode(key)
  const digest = createHash('sha256').update(encoded).digest()
  const shown = beginningOf(encoded)
  const name = shown.length === encoded.length ? `=${encoded}` : `=${shown}%${digest.toString('base64url')}`
  return { slot: slotName((digest[0] ?? 0) % slots), name }
}

export function slotName(index: number): string {
  return `claims-${index}`
}

/** What the sort keys of all keys with this prefix begin with. They may be more: a half of a surrogate pair may be followed by its other half. */
export function nameBeginning(prefix: string): string {
  return `=${beginningOf(encode(prefix.replace(/[\ud800-\udbff]$/, '')))}`
}

/** As many whole characters as fit. */
function beginningOf(encoded: string): string {
  if (encoded.length * 3 <= shownBytes || Buffer.byteLength(encoded) <= shownBytes) return encoded
  let bytes = 0
  let end = 0
  for (const character of encoded) {
    bytes += Buffer.byteLength(character)
    if (bytes > shownBytes) break
    end += character.length
  }
  return encoded.slice(0, end)
}
