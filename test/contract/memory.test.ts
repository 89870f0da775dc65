import { profileNames } from '@busbar/memory'
import { certify } from './harness/certify.ts'
import { memoryHarness } from './harness/memory-harness.ts'

for (const profile of profileNames) certify({ name: `memory (${profile})`, harness: memoryHarness({ profile }) })
