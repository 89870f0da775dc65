import { bodyFaults } from './faults/bodies.ts'
import { flowFaults } from './faults/flow.ts'
import { headerFaults } from './faults/headers.ts'
import { leaseFaults } from './faults/leases.ts'
import { operationFaults } from './faults/operations.ts'
import { orderingFaults } from './faults/ordering.ts'
import { scheduleFaults } from './faults/schedules.ts'
import { sendingFaults } from './faults/sending.ts'
import { settlingFaults } from './faults/settling.ts'
import { streamFaults, topicFaults } from './faults/topics.ts'
import type { Mutant } from './mutant.ts'

/** Every deliberately broken driver, in the order of the kill table. */
export const allMutants: readonly Mutant[] = [
  ...bodyFaults,
  ...headerFaults,
  ...sendingFaults,
  ...scheduleFaults,
  ...settlingFaults,
  ...leaseFaults,
  ...orderingFaults,
  ...flowFaults,
  ...topicFaults,
  ...streamFaults,
  ...operationFaults,
]
