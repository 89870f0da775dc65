import { afterAll, describe, vi } from 'vitest'
import { versionsToExamine } from '../brokers/index.ts'
import { certify } from './harness/certify.ts'
import { amqpHarness } from './harness/amqp-harness.ts'

// Cases wait far more than they work.
vi.setConfig({ maxConcurrency: 16 })

for (const version of versionsToExamine) {
  const bed = await amqpHarness(version)
  describe.skipIf(bed === undefined)(`RabbitMQ ${version}`, () => {
    if (bed === undefined) return
    certify({ name: `amqp (RabbitMQ ${version})`, harness: bed.harness })
    afterAll(() => bed[Symbol.asyncDispose]())
  })
}
