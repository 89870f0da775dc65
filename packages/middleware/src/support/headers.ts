import type { Headers } from '@busbar/core/driver'

/** A copy of `headers` with one more. */
export function withHeader(headers: Headers, name: string, value: string): Headers {
  return { __proto__: null, ...headers, [name]: value } as unknown as Headers
}

/** A copy of `headers` without one. */
export function withoutHeader(headers: Headers, name: string): Headers {
  const { [name]: _, ...rest } = headers
  return { __proto__: null, ...rest } as unknown as Headers
}
