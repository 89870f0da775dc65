import { profileNames } from '@busbar/memory'
import { describe } from 'vitest'
import { memoryHarness } from '../../contract/harness/memory-harness.ts'
import { middlewareCases } from './cases.ts'
import { failureCases } from './failure-cases.ts'
import { optionCases } from './option-cases.ts'

describe.each(profileNames)('middleware on memory (%s)', (profile) => {
  middlewareCases(memoryHarness({ profile }))
  optionCases(memoryHarness({ profile }))
  failureCases(memoryHarness({ profile }))
})
