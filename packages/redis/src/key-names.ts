/** What cannot stand in a name as it is: the sign of the escape, hash tags of a cluster, control characters, and halves of surrogate pairs, which UTF-8 has no bytes for. */
const unsafe = /[%{}\p{Cc}\p{Cs}]/gu
const escaped = /%([0-9a-f]{4})/g

/**
 * A text in which every key has a form of its own, and keys with a common beginning have one too: readable, whole UTF-8, and without braces, so that nobody
 * can choose keys that all fall on one slot of a cluster.
 */
export function encodeKey(key: string): string {
  return key.replace(unsafe, (character) => `%${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export function decodeKey(name: string): string {
  return name.replace(escaped, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

/** Values and owners as they are, behind a sign that tells whether they had to be escaped. */
export function encodeText(text: string): string {
  return text.isWellFormed() ? `=${text}` : `%${encodeKey(text)}`
}

export function decodeText(stored: string): string {
  return stored.startsWith('%') ? decodeKey(stored.slice(1)) : stored.slice(1)
}

/** A pattern of SCAN for the names that begin with `beginning`. */
export function patternOf(beginning: string): string {
  return `${beginning.replace(/[\\*?[\]]/g, '\\$&')}*`
}

/** The longest beginning of `prefix` that all names of keys with this prefix share: half a surrogate pair may be followed by its other half. */
export function scannable(prefix: string): string {
  return /[\ud800-\udbff]$/.test(prefix) ? prefix.slice(0, -1) : prefix
}
