import { afterAll, vi } from 'vitest'
import type { KnownGap } from '@busbar/contract-tests'
import { certify } from './harness/certify.ts'
import { amqpHarness } from './harness/amqp-harness.ts'

// Cases wait far more than they work.
vi.setConfig({ maxConcurrency: 16 })

const knownGaps: readonly KnownGap[] = [
  { case: 'settling/delivery-count', reason: 'what a handler gives back is republished, and counted by the broker from 1 again; the attempts travel with it' },
]

for (const version of ['3.10', '4.0'] as const) {
  const bed = await amqpHarness(version)
  if (bed === undefined) continue
  certify({ name: `amqp (RabbitMQ ${version})`, harness: bed.harness, knownGaps })
  afterAll(() => bed[Symbol.asyncDispose]())
}
