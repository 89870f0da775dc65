import type { StoreCase } from './case.ts'
import { claimCases } from './cases/claims.ts'
import { completionCases } from './cases/completions.ts'
import { fenceCases } from './cases/fences.ts'
import { leaseCases } from './cases/leases.ts'
import { noteCases } from './cases/notes.ts'
import { releaseCases } from './cases/releases.ts'
import { renewalCases } from './cases/renewals.ts'
import { repeatCases } from './cases/repeats.ts'
import { scanCases } from './cases/scans.ts'
import { staleCases } from './cases/stale.ts'
import { textCases } from './cases/texts.ts'

/** The table of contents: everything that a store is examined for. */
export const allStoreCases: readonly StoreCase[] = [
  ...claimCases,
  ...fenceCases,
  ...leaseCases,
  ...renewalCases,
  ...completionCases,
  ...releaseCases,
  ...repeatCases,
  ...staleCases,
  ...noteCases,
  ...scanCases,
  ...textCases,
]
