import type { Runner } from '@busbar/contract-tests'
import { describe, it } from 'vitest'

/**
 * Cases one after the other, or several at once where the harness gives each case one of its own: `concurrent` those of one suite, `alongside` those of all such suites of a file,
 * so that one suite works while the other waits.
 */
export function vitestRunner(order: 'serial' | 'concurrent' | 'alongside'): Runner {
  let depth = 0
  return {
    describe: (name, body) => {
      // Bodies run later than they are registered, the inner ones after the outer.
      const own = depth + 1
      describe(name, { concurrent: order === 'alongside' && own === 1 }, () => {
        depth = own
        body()
        depth = own - 1
      })
    },
    // Outermost are the checks on the whole run, which come last and alone.
    it: (name, body, timeout) => it(name, { concurrent: order !== 'serial' && depth > 1, timeout }, body),
  }
}
