import { afterAll, describe } from 'vitest'
import type { RabbitmqVersion } from '../../brokers/index.ts'
import { amqpHarness } from '../../contract/harness/amqp-harness.ts'
import { middlewareCases } from './cases.ts'
import { failureCases } from './failure-cases.ts'
import { optionCases } from './option-cases.ts'

/** The cases on one version. */
export async function onRabbitmq(version: RabbitmqVersion): Promise<void> {
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
