import type { MaybePromise } from './driver/fenced-store.ts'

/** Makes a promise of what only behaves like one, such as a query builder, which does nothing until it is waited for. Everything else stays as it is. */
export function promised<T>(value: MaybePromise<T>): MaybePromise<T> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || value instanceof Promise) return value
  return typeof (value as { then?: unknown }).then === 'function' ? Promise.resolve(value) : value
}
