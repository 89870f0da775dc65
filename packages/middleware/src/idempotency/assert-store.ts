const storeFunctions = ['claim', 'renew', 'complete', 'release', 'scan'] as const

/** Throws a `TypeError` for what cannot be a `FencedStore`. */
export function assertStore(what: string, store: unknown): void {
  for (const name of storeFunctions)
    if (typeof (store as Record<string, unknown> | undefined)?.[name] !== 'function')
      throw new TypeError(`${what}: store must be a FencedStore; it has no function ${name}`)
}
