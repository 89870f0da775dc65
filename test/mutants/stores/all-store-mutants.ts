import { claimFaults } from './claim-faults.ts'
import { endingFaults } from './ending-faults.ts'
import { fenceFaults } from './fence-faults.ts'
import { leaseFaults } from './lease-faults.ts'
import { noteFaults } from './note-faults.ts'
import { scanFaults } from './scan-faults.ts'
import type { StoreMutant } from './store-mutant.ts'
import { textFaults } from './text-faults.ts'

/** Every deliberately broken store, in the order of the kill table. */
export const allStoreMutants: readonly StoreMutant[] = [
  ...claimFaults,
  ...fenceFaults,
  ...leaseFaults,
  ...endingFaults,
  ...noteFaults,
  ...scanFaults,
  ...textFaults,
]
