import { testOfBodies, testOfHeaders } from '../filter/compile-filter.ts'
import type { Filter, HeaderFilter } from '../filter/grammar.ts'
import { validateFilter, validateHeaderFilter } from '../filter/validate-filter.ts'
import type { Headers } from './sender.ts'

/** A test of decoded JSON bodies. What is not a JSON object never matches. Throws `ERR_CONFIGURATION` for a filter that SNS would not accept. */
export function compileFilter(filter: Filter): (body: unknown) => boolean {
  validateFilter(filter)
  return testOfBodies(filter)
}

/** A test of headers, whose values are text. Throws `ERR_CONFIGURATION` for a filter that SNS would not accept, or that could never match a text. */
export function compileHeaderFilter(filter: HeaderFilter): (headers: Headers) => boolean {
  validateHeaderFilter(filter)
  return testOfHeaders(filter)
}
