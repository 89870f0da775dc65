import type { Skipped } from './skip.ts'

/** How a broker was found, in the order in which the ways are tried. */
export type How = 'environment' | 'path' | 'docker' | 'unpacked' | 'installed'

/** One way to find a broker: the broker, or the reason (a string) why this way does not serve. */
export interface Way<T> {
  readonly how: How
  find(): Promise<T | string>
}

/** Tries the ways one after another. Throws only what a way throws, that is, when a broker is there but broken. */
export async function findFirst<T extends object>(broker: string, ways: readonly Way<T>[], remedy: string): Promise<T | Skipped> {
  const reasons: string[] = []
  for (const way of ways) {
    const found = await way.find()
    if (typeof found !== 'string') return found
    reasons.push(`${way.how}: ${found}`)
  }
  return { skipped: true, broker, reason: reasons.join('; '), remedy }
}
