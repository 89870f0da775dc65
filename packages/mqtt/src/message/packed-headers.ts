import { metadataHeader, type Headers } from '@busbar/core/driver'
import { isPlain } from '../names.ts'
import type { UserProperty } from './packet.ts'

/** User property with the headers that cannot be user properties of their own: JSON of names and values. */
export const packedHeader = 'busbar-headers'

/** Of brackets and commas. */
const fixedBytes = 2
/** Of quotes, colon and comma, for each header. */
const betweenBytes = 6
/** Of a character in JSON. */
const characterBytes = 6

/** User properties for headers: one to one, but for texts with characters on which brokers end the connection. */
export function userPropertiesOf(headers: Headers): UserProperty[] {
  const properties: UserProperty[] = []
  let packed: Record<string, string> | undefined
  for (const name in headers) {
    // A copy may come from a message of others that has one: a reader would take neither.
    if (isOwn(name)) continue
    const value = headers[name] ?? ''
    if (isPlain(name) && isPlain(value)) properties.push([name, value])
    else (packed ??= Object.create(null) as Record<string, string>)[name] = value
  }
  if (packed !== undefined) properties.push([packedHeader, plainJson(JSON.stringify(packed))])
  return properties
}

/** At least the bytes of the packed ones, without those of a property. 0 if all go one to one. */
export function packedBytes(headers: Headers): number {
  let bytes = 0
  for (const name in headers) {
    const value = headers[name] ?? ''
    if (!isPlain(name) || !isPlain(value)) bytes += betweenBytes + characterBytes * (name.length + value.length)
  }
  return bytes === 0 ? 0 : fixedBytes + bytes
}

/** What {@link userPropertiesOf} has packed. Malformed text is none. */
export function unpackHeaders(text: unknown): readonly (readonly [string, string])[] {
  if (typeof text !== 'string') return []
  try {
    const packed: unknown = JSON.parse(text)
    if (typeof packed !== 'object' || packed === null || Array.isArray(packed)) return []
    return Object.entries(packed).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && !isOwn(entry[0]))
  } catch {
    return []
  }
}

/** Is it no header of the user's? */
export function isOwn(name: string): boolean {
  return name === metadataHeader || name === packedHeader
}

/** The same JSON without any character on which brokers end the connection. */
export function plainJson(json: string): string {
  if (isPlain(json)) return json
  return json.replace(/[\p{Cc}\p{Noncharacter_Code_Point}]/gu, (character) =>
    Array.from({ length: character.length }, (_, index) => String.raw`\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`).join(''),
  )
}
