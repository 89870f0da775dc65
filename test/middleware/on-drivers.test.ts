import { profileNames } from '@busbar/memory'
import { afterAll, describe } from 'vitest'
import { amqpHarness } from '../contract/harness/amqp-harness.ts'
import { memoryHarness } from '../contract/harness/memory-harness.ts'
import { middlewareCases } from './on-drivers/cases.ts'
import { failureCases } from './on-drivers/failure-cases.ts'
import { optionCases } from './on-drivers/option-cases.ts'

describe.each(profileNames)('middleware on memory (%s)', (profile) => {
  middlewareCases(memoryHarness({ profile }))
  optionCases(memoryHarness({ profile }))
  failureCases(memoryHarness({ profile }))
})

for (const version of ['3.10', '4.0'] as const) {
  const bed = await amqpHarness(version)
  describe.skipIf(bed === undefined)(`middleware on RabbitMQ ${version}`, { timeout: 60_000 }, () => {
    if (bed === undefined) return
    afterAll(() => bed[Symbol.asyncDispose](), 30_000)
    middlewareCases(bed.harness)
    optionCases(bed.harness)
    // They wait for time limits, and do so together.
    describe.concurrent('while something fails', () => failureCases(bed.harness))
  })
}
