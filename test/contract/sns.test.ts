import type { KnownGap } from '@busbar/contract-tests'
import { buildApp } from 'fauxqs'
import { afterAll, vi } from 'vitest'
import { startAwsWire } from '../brokers/aws-wire/index.ts'
import { everyBed } from '../brokers/every-bed.ts'
import type { AwsServer } from './harness/aws-harness.ts'
import { beyondFauxqs } from './harness/beyond-fauxqs.ts'
import { certify, examine } from './harness/certify.ts'
import { snsHarness } from './harness/sns-harness.ts'
import { lateMs, startSqsGateway } from './harness/sqs-gateway.ts'

// Cases wait far more than they work.
vi.setConfig({ maxConcurrency: 24 })

const app = buildApp({ logger: false })
const gateway = await startSqsGateway(await app.listen({ port: 0, host: '127.0.0.1' }))
const wire = await startAwsWire()
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await app.close()
  await wire[Symbol.asyncDispose]()
})

const knownGaps: readonly KnownGap[] = (['dead-letters/copy-is-whole', 'dead-letters/foreign-headers'] as const).map((id) => ({
  case: id,
  reason: 'fauxqs refuses bodies with characters above U+FFFF in what is sent to a queue, which SQS takes',
}))

const fauxqs: AwsServer = {
  endpoint: gateway.endpoint,
  version: 'fauxqs 2.4.1',
  kind: 'emulator',
  delayNextSend: (topic) => gateway.delayNextSend(topic),
}

/** What the emulator lacks, answered by our own simulator: it shows what the driver does over the wire, not what the service does. */
const simulator: AwsServer = {
  endpoint: wire.endpoint,
  region: wire.region,
  credentials: wire.credentials,
  version: 'our memory profiles over the wire of SNS and SQS',
  kind: 'simulator',
  failPartOfNextSend: (topic) => void wire.faults.add({ action: 'PublishBatch', resource: topic, fault: { kind: 'fail-entries', entries: [1] } }),
  delayNextSend: (topic) => void wire.faults.add({ action: 'PublishBatch', resource: topic, fault: { kind: 'delay', when: 'before', ms: lateMs } }),
}

for (const fifo of [false, true]) {
  const type = fifo ? 'FIFO' : 'standard'
  certify({ name: `sns (${type}, fauxqs)`, harness: snsHarness(fauxqs, fifo), knownGaps, alongside: true })
  const simulated = { name: `sns (${type}, simulator)`, harness: snsHarness(simulator, fifo), alongside: true }
  if (everyBed) certify(simulated)
  else examine({ ...simulated, cases: beyondFauxqs(knownGaps, fifo) })
}
