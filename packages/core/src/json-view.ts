/** What `T` looks like after a trip through JSON: what ordering keys, ids and filters are computed from. */
export type JsonView<T> = 0 extends 1 & T
  ? T
  : T extends { toJSON(): infer J }
    ? JsonView<J>
    : T extends string | number | boolean | null
      ? T
      : T extends undefined | symbol | ((...args: never[]) => unknown)
        ? undefined
        : T extends bigint | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
          ? never
          : T extends ArrayBufferView
            ? T
            : T extends object
              ? { readonly [K in keyof T]: JsonView<T[K]> }
              : T

/** The JSON view of `value`: the value itself if it is already plain JSON (checked without copying), else its copy through JSON. */
export function jsonView<T>(value: T): JsonView<T> {
  return (isPlainJson(value) ? value : JSON.parse(JSON.stringify(value))) as JsonView<T>
}

function isPlainJson(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value)
    case 'object':
      return value === null || (Array.isArray(value) ? value.every(isPlainJson) : isPlainObject(value))
    default:
      return false
  }
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const key in value) if (!isPlainJson((value as Record<string, unknown>)[key])) return false
  return !('toJSON' in value)
}
