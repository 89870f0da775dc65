import type { Skip } from './part.ts'

/** Finds the lines that `test/brokers` and the scripts print for what they skip: `<what> skipped: <reason>. Remedy: <remedy>`. Each once. */
export function skipsIn(lines: readonly string[]): Skip[] {
  const skips = new Map<string, Skip>()
  for (const line of lines) {
    const [text, what, reason, remedy] = /^\s*([^\s|:][^|:]*) skipped: (.+?)\.? Remedy: (.+)$/.exec(line) ?? []
    if (text !== undefined && what !== undefined && reason !== undefined && remedy !== undefined) skips.set(text, { what, reason, remedy })
  }
  return [...skips.values()]
}
