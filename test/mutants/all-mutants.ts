import { bodyFaults } from './faults/bodies.ts'
import { claimFaults } from './faults/claims.ts'
import { connectionFaults } from './faults/connections.ts'
import { deadLetterFaults } from './faults/dead-letters.ts'
import { flowFaults } from './faults/flow.ts'
import { foreignFaults } from './faults/foreign.ts'
import { headerFaults } from './faults/headers.ts'
import { leaseFaults } from './faults/leases.ts'
import { moveFaults } from './faults/moves.ts'
import { operationFaults } from './faults/operations.ts'
import { orderingFaults } from './faults/ordering.ts'
import { receiptFaults } from './faults/receipts.ts'
import { reshardingFaults } from './faults/resharding.ts'
import { scheduleFaults } from './faults/schedules.ts'
import { sendingFaults } from './faults/sending.ts'
import { settlingFaults } from './faults/settling.ts'
import { streamFaults, topicFaults } from './faults/topics.ts'
import { templateFaults } from './faults/templates.ts'
import type { Mutant } from './mutant.ts'
import { overclaims } from './overclaims/index.ts'

/** Every deliberately broken driver, in the order of the kill table. */
export const allMutants: readonly Mutant[] = [
  ...bodyFaults,
  ...headerFaults,
  ...sendingFaults,
  ...scheduleFaults,
  ...settlingFaults,
  ...receiptFaults,
  ...leaseFaults,
  ...orderingFaults,
  ...flowFaults,
  ...topicFaults,
  ...templateFaults,
  ...streamFaults,
  ...reshardingFaults,
  ...operationFaults,
  ...deadLetterFaults,
  ...moveFaults,
  ...foreignFaults,
  ...connectionFaults,
  ...claimFaults,
  ...overclaims,
]
