import { afterAll, vi } from 'vitest'
import type { KnownGap } from '@busbar/contract-tests'
import { certify } from './harness/certify.ts'
import { amqpHarness } from './harness/amqp-harness.ts'

// Cases wait far more than they work.
vi.setConfig({ maxConcurrency: 16 })

const knownGaps: readonly KnownGap[] = [
  { case: 'flow/window-bytes', reason: 'RabbitMQ bounds what it delivers by messages only; the driver adapts to the size of what has come, after it has come' },
  { case: 'settling/delivery-count', reason: 'what a handler gives back is republished, and counted by the broker from 1 again; the attempts travel with it' },
]

for (const version of ['3.10', '4.0'] as const) {
  const bed = await amqpHarness(version)
  if (bed === undefined) continue
  certify({ name: `amqp (RabbitMQ ${version})`, harness: bed.harness, knownGaps })
  afterAll(() => bed[Symbol.asyncDispose]())
}
