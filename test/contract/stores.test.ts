import { describeStoreContract } from '@busbar/contract-tests/store'
import { afterAll, describe, expect, vi } from 'vitest'
import { startDynamo } from '../dynamodb/support/dynamo-bed.ts'
import { dynamoStoreHarness } from '../dynamodb/support/dynamo-store-harness.ts'
import { memoryStoreHarness } from './harness/memory-store-harness.ts'
import { vitestRunner } from './harness/vitest-runner.ts'

// On DynamoDB cases wait far more than they work.
vi.setConfig({ maxConcurrency: 16 })

const bed = await startDynamo()
const certificates = [describeStoreContract({ name: 'memory', harness: memoryStoreHarness(), runner: vitestRunner('serial') })]
const harness = await dynamoStoreHarness(bed)
describe('DynamoDB', () => {
  certificates.push(describeStoreContract({ name: 'dynalite', harness, runner: vitestRunner('concurrent') }))
})

afterAll(async () => {
  await bed[Symbol.asyncDispose]()
  expect(certificates.flatMap(({ results }) => results.filter(({ outcome }) => outcome !== 'passed'))).toEqual([])
})
