import { describeStoreContract } from '@busbar/contract-tests/store'
import { afterAll, describe, expect, vi } from 'vitest'
import { skipOrFail, startRedis } from '../brokers/index.ts'
import { vitestRunner } from '../contract/harness/vitest-runner.ts'
import { redisStoreHarness } from './support/redis-store-harness.ts'

// Cases wait far more than they work.
vi.setConfig({ maxConcurrency: 16 })

const bed = skipOrFail(await startRedis())

describe.skipIf(bed === undefined)('a single server', () => {
  if (bed === undefined) return
  const certificate = describeStoreContract({ name: `Redis ${bed.version}`, harness: redisStoreHarness({ bed }), runner: vitestRunner('concurrent') })
  afterAll(async () => {
    await bed[Symbol.asyncDispose]()
    expect(certificate.results.filter(({ outcome }) => outcome !== 'passed')).toEqual([])
  })
})
