import type { Refusal } from './capabilities.ts'
import type { Endpoint } from './endpoint.ts'

/** What to do instead of an address template, as an imperative. */
export const templateRemedy =
  'give the topic a name without parameters, send them as headers and filter by headerFilter, or route it to a driver with the addressTemplates capability'

/** The answer of a driver that has no address templates; `undefined` for endpoints without one. */
export function refusedTemplate({ parameters }: Endpoint): Refusal | undefined {
  if (parameters === undefined) return undefined
  return { refused: `its name has parameters (${parameters.join(', ')}), and this driver has no address templates`, remedy: templateRemedy }
}
