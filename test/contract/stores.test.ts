import { describeStoreContract } from '@busbar/contract-tests/store'
import { afterAll, expect } from 'vitest'
import { memoryStoreHarness } from './harness/memory-store-harness.ts'
import { vitestRunner } from './harness/vitest-runner.ts'

const certificate = describeStoreContract({ name: 'memory', harness: memoryStoreHarness(), runner: vitestRunner('serial') })

afterAll(() => {
  expect(certificate.results.filter(({ outcome }) => outcome !== 'passed')).toEqual([])
})
