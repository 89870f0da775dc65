import type { MaybePromise } from '@busbar/core/driver'

/** What users' functions answer may be a promise of any make; behind this, `instanceof Promise` tells. */
export function promised<T>(value: MaybePromise<T>): MaybePromise<T> {
  if (value instanceof Promise || typeof (value as { readonly then?: unknown } | undefined)?.then !== 'function') return value
  return Promise.resolve(value)
}
