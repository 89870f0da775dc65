import type { Runner } from '@busbar/contract-tests'
import { describe, it } from 'vitest'

/** Cases one after the other, or several at once where the harness gives each case one of its own. */
export function vitestRunner(order: 'serial' | 'concurrent'): Runner {
  let depth = 0
  return {
    describe: (name, body) => {
      // Bodies run later than they are registered, the inner ones after the outer.
      const own = depth + 1
      describe(name, () => {
        depth = own
        body()
        depth = own - 1
      })
    },
    // Outermost are the checks on the whole run, which come last and alone.
    it: (name, body, timeoutMs) => {
      const register = order === 'concurrent' && depth > 1 ? it.concurrent : it
      register(name, body, timeoutMs)
    },
  }
}
