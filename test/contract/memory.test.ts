import { describeDriverContract } from '@busbar/contract-tests'
import { profileNames } from '@busbar/memory'
import { memoryHarness } from './harness/memory-harness.ts'
import { vitestRunner } from './harness/vitest-runner.ts'

for (const profile of profileNames) describeDriverContract({ name: `memory (${profile})`, harness: memoryHarness({ profile }), runner: vitestRunner })
