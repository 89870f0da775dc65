import { findDirectionErrors } from '../check-directions.ts'
import { verdict, type Part } from '../part.ts'
import { toolPart } from '../tool-part.ts'

/** What can be said about the sources without running them. */
export const staticParts: readonly Part[] = [
  // Each takes what cores there are.
  toolPart({ name: 'typecheck', budgetSeconds: 25, alone: true, program: 'tsc', args: ['-b'], finding: /error TS\d+/ }),
  toolPart({ name: 'lint', budgetSeconds: 30, alone: true, program: 'oxlint', args: ['--type-aware', '--format=unix'], finding: /\[(Error|Warning)\// }),
  toolPart({ name: 'format', budgetSeconds: 5, program: 'oxfmt', args: ['--check'], finding: /\(\d+ms\)$/ }),
  { name: 'directions', budgetSeconds: 5, run: () => Promise.resolve(verdict(findDirectionErrors())) },
  toolPart({ name: 'unused', budgetSeconds: 15, program: 'knip', args: ['--no-progress'], finding: /\S+:\d+:\d+|package\.json/ }),
]
