import { afterAll, describe, vi } from 'vitest'
import { certify } from './harness/certify.ts'
import { amqpHarness } from './harness/amqp-harness.ts'

// Cases wait far more than they work.
vi.setConfig({ maxConcurrency: 16 })

/** The older one in `npm run test:full`: the certificate examines every driver once. */
const versions = process.env['BUSBAR_EVERY_VERSION'] === '1' ? (['3.10', '4.0'] as const) : (['4.0'] as const)

for (const version of versions) {
  const bed = await amqpHarness(version)
  describe.skipIf(bed === undefined)(`RabbitMQ ${version}`, () => {
    if (bed === undefined) return
    certify({ name: `amqp (RabbitMQ ${version})`, harness: bed.harness })
    afterAll(() => bed[Symbol.asyncDispose]())
  })
}
