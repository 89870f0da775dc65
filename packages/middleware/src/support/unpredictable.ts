import { randomBytes } from 'node:crypto'

/**
 * Keys, nonces and names that nobody may guess. The one place of this package that does not draw from the injected source:
 * that may be seeded, and a secret from a known seed is none.
 */
export function unpredictable(bytes: number): Buffer {
  return randomBytes(bytes)
}
