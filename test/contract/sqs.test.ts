import { buildApp } from 'fauxqs'
import { afterAll, vi } from 'vitest'
import { certify } from './harness/certify.ts'
import { startSqsGateway } from './harness/sqs-gateway.ts'
import { sqsHarness } from './harness/sqs-harness.ts'

// Cases wait far more than they work.
vi.setConfig({ maxConcurrency: 12 })

const app = buildApp({ logger: false })
const endpoint: string = await app.listen({ port: 0, host: '127.0.0.1' })
const gateway = await startSqsGateway(endpoint)
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await app.close()
})

const server = { endpoint: gateway.endpoint, version: 'fauxqs 2.4.1', kind: 'emulator', failPartOfNextSend: gateway.failPartOfNextSend } as const
for (const fifo of [false, true]) certify({ name: `sqs (${fifo ? 'FIFO' : 'standard'}, fauxqs)`, harness: sqsHarness(server, fifo) })
