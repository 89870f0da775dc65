import type { KnownGap } from '@busbar/contract-tests'
import { buildApp } from 'fauxqs'
import { afterAll, vi } from 'vitest'
import { certify } from './harness/certify.ts'
import { startSqsGateway } from './harness/sqs-gateway.ts'
import { sqsHarness } from './harness/sqs-harness.ts'

// Cases wait far more than they work.
vi.setConfig({ maxConcurrency: 24 })

const app = buildApp({ logger: false })
const endpoint: string = await app.listen({ port: 0, host: '127.0.0.1' })
const gateway = await startSqsGateway(endpoint)
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await app.close()
})

/** The rows of its differences that no gateway can make good. */
const knownGaps: readonly KnownGap[] = (['sending/text-body', 'dead-letters/copy-is-whole', 'dead-letters/foreign-headers'] as const).map((id) => ({
  case: id,
  reason: 'fauxqs refuses bodies with characters above U+FFFF, which SQS takes',
}))

const server = {
  endpoint: gateway.endpoint,
  version: 'fauxqs 2.4.1',
  kind: 'emulator',
  failPartOfNextSend: (queue: string) => gateway.failPartOfNextSend(queue),
} as const
for (const fifo of [false, true]) certify({ name: `sqs (${fifo ? 'FIFO' : 'standard'}, fauxqs)`, harness: sqsHarness(server, fifo), knownGaps })
