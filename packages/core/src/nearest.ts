import { kindOf } from './kind-of.ts'

/** Longest word compared; what is longer than this is no misspelling. */
const maxLength = 64

/**
 * The candidate that `word` is most likely a misspelling of: at most one edit in three characters, swapped neighbours being one edit,
 * upper and lower case being equal. `undefined` if none is near enough; the first of several equally near ones.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > maxLength) return undefined
  const lower = word.toLowerCase()
  let best: string | undefined
  let bestDistance = Infinity
  for (const candidate of candidates) {
    const limit = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3))
    if (candidate.length > maxLength || Math.abs(candidate.length - word.length) > limit) continue
    const distance = editDistance(lower, candidate.toLowerCase())
    if (distance <= limit && distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

/** `; did you mean 'concurrency'?`, or what there is to choose from: `; known: a, b`. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates)
  if (near !== undefined) return `; did you mean '${near}'?`
  return candidates.length === 0 ? '; there are none' : `; known: ${candidates.join(', ')}`
}

/**
 * Throws a `TypeError` for options that are no object, and for the first key of `object` that is not in `keys`:
 * `consume: unknown option 'concurency'; did you mean 'concurrency'?`
 */
export function assertKnownKeys(what: string, object: object, keys: readonly string[]): void {
  if (typeof object !== 'object' || object === null) throw new TypeError(`${what}: options must be an object, not ${kindOf(object)}`)
  for (const key of Object.keys(object)) {
    if (!keys.includes(key)) throw new TypeError(unknownOption(what, key, keys))
  }
}

export function unknownOption(what: string, key: string, keys: readonly string[]): string {
  return `${what}: unknown option '${key.slice(0, maxLength)}'${suggestion(key, keys)}`
}

/** Insertions, deletions, substitutions and swaps of neighbours that lead from `a` to `b` (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const table: number[][] = []
  for (let row = 0; row <= a.length; row++) {
    const current = [row]
    table.push(current)
    for (let column = 1; column <= b.length; column++) {
      const edited = (rows: number, columns: number): number => (table[row - rows]?.[column - columns] ?? Infinity) + 1
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current.push(Math.min(edited(0, 1), edited(1, 0), edited(1, 1) - (a[row - 1] === b[column - 1] ? 1 : 0), swapped ? edited(2, 2) : Infinity))
    }
  }
  return table[a.length]?.[b.length] ?? 0
}
