import { headerName, longestName, mostHeaders } from './envelope.ts'

/** Names of headers to authenticate, each once and in one order. */
export function checkedNames(middleware: string, names: readonly string[] | undefined): readonly string[] {
  if (names === undefined) return []
  if (!Array.isArray(names)) throw new TypeError(`${middleware}: headers must be an array of names`)
  const unique = [...new Set(names)].toSorted((a, b) => (a < b ? -1 : 1))
  if (unique.length > mostHeaders) throw new RangeError(`${middleware}: headers may name at most ${mostHeaders}, not ${unique.length}`)
  for (const name of unique) {
    if (typeof name !== 'string' || name.length > longestName || !headerName.test(name))
      throw new TypeError(`${middleware}: headers: a name has 1 to ${longestName} letters, digits, '_', '-' and single inner dots`)
    if (/^busbar/i.test(name) || name === 'content-encoding') throw new TypeError(`${middleware}: headers: ${name} is not a header of yours`)
  }
  return unique
}
