import type { EndpointSubscription } from '@busbar/core/driver'
import { encodingHeader } from './header-values.ts'

type HeaderFilter = NonNullable<EndpointSubscription['headerFilter']>

/** More bindings than this slow the exchange down. */
const maxBindings = 64

/** Headers that a binding cannot ask for. */
const unseen: readonly string[] = [encodingHeader, 'x-match']

/** Arguments that bind everything. */
export const bindAll: Readonly<Record<string, unknown>> = Object.freeze({ 'x-match': 'all' })

/**
 * Arguments of the bindings that together are the filter: a headers exchange compares whole values, and several bindings are alternatives.
 * `undefined` where it cannot: prefixes, negations, missing headers, more than 64 combinations, the content encoding,
 * which an exchange does not see, or a header called `x-match`, which in a binding says how to compare.
 */
export function filterBindings(filter: HeaderFilter | undefined): readonly Readonly<Record<string, unknown>>[] | undefined {
  let bindings: Record<string, unknown>[] = [{}]
  for (const [name, alternatives] of Object.entries(filter ?? {})) {
    const values = valuesOf(alternatives)
    if (values === undefined || unseen.includes(name) || bindings.length * values.length > maxBindings) return undefined
    bindings = bindings.flatMap((binding) => values.map((value) => ({ ...binding, [name]: value })))
  }
  return bindings.map((binding) => ({ ...binding, 'x-match': matchFor(binding) }))
}

function valuesOf(alternatives: HeaderFilter[string]): readonly (string | null)[] | undefined {
  const values: (string | null)[] = []
  for (const alternative of alternatives) {
    if (typeof alternative === 'string') values.push(alternative)
    // A header without a value in the binding stands for any value.
    else if ('exists' in alternative && alternative.exists) return [null]
    else return undefined
  }
  return values.length === 0 ? undefined : [...new Set(values)]
}

function matchFor(binding: Readonly<Record<string, unknown>>): string {
  return Object.keys(binding).some((name) => name.startsWith('x-')) ? 'all-with-x' : 'all'
}
