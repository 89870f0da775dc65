import { describeStoreContract } from '@busbar/contract-tests/store'
import { afterAll, expect, vi } from 'vitest'
import { vitestRunner } from '../contract/harness/vitest-runner.ts'
import { startDynamo } from './support/dynamo-bed.ts'
import { dynamoStoreHarness } from './support/dynamo-store-harness.ts'

// Cases wait far more than they work. More of them at once would have first answers come so late that leases, which go by them, end later than `slackMs`.
vi.setConfig({ maxConcurrency: 8 })

const bed = await startDynamo()
const certificate = describeStoreContract({ name: 'dynalite', harness: await dynamoStoreHarness(bed), runner: vitestRunner('concurrent') })

afterAll(async () => {
  await bed[Symbol.asyncDispose]()
  expect(certificate.results.filter(({ outcome }) => outcome !== 'passed')).toEqual([])
})
