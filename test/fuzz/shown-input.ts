import { inspect } from 'node:util'

/** An input for the reader, cut where it is long. Inputs may be such that they cannot even be shown. */
export function shownInput(input: unknown): string {
  try {
    return inspect(input, { depth: 12, breakLength: 160, maxStringLength: 2_000, maxArrayLength: 200 }).slice(0, 4_000)
  } catch (error) {
    return `(showing it fails with ${String(error)})`
  }
}
