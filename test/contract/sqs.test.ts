import type { KnownGap } from '@busbar/contract-tests'
import { buildApp } from 'fauxqs'
import { afterAll, vi } from 'vitest'
import { startAwsWire } from '../brokers/aws-wire/index.ts'
import { everyBed } from '../brokers/every-bed.ts'
import type { AwsServer } from './harness/aws-harness.ts'
import { beyondFauxqs } from './harness/beyond-fauxqs.ts'
import { certify, examine } from './harness/certify.ts'
import { lateMs, startSqsGateway } from './harness/sqs-gateway.ts'
import { sqsHarness } from './harness/sqs-harness.ts'

// Cases wait far more than they work.
vi.setConfig({ maxConcurrency: 24 })

const app = buildApp({ logger: false })
const endpoint: string = await app.listen({ port: 0, host: '127.0.0.1' })
const gateway = await startSqsGateway(endpoint)
// All of the service: the profile of FIFO queues alone would refuse the queues of replies.
const wire = await startAwsWire()
afterAll(async () => {
  await wire[Symbol.asyncDispose]()
  await gateway[Symbol.asyncDispose]()
  await app.close()
})

/** The rows of its differences that no gateway can make good. */
const knownGaps: readonly KnownGap[] = (['sending/text-body', 'dead-letters/copy-is-whole', 'dead-letters/foreign-headers'] as const).map((id) => ({
  case: id,
  reason: 'fauxqs refuses bodies with characters above U+FFFF, which SQS takes',
}))

const fauxqs: AwsServer = {
  endpoint: gateway.endpoint,
  version: 'fauxqs 2.4.1',
  kind: 'emulator',
  failPartOfNextSend: (queue) => gateway.failPartOfNextSend(queue),
  delayNextSend: (queue) => gateway.delayNextSend(queue),
}

/** Not looked at before it is asked for: an emulator is not known by its endpoint. */
const moveGaps: readonly KnownGap[] = (['dead-letters/moved-natively', 'dead-letters/move-stopped'] as const).map((id) => ({
  case: id,
  reason: 'fauxqs has no message move tasks, which SQS has',
}))

/** What the emulator lacks, answered by our own simulator: it shows what the driver does over the wire, not what the service does. */
const simulator: AwsServer = {
  endpoint: wire.endpoint,
  region: wire.region,
  credentials: wire.credentials,
  version: 'our memory profiles over the wire of SQS',
  kind: 'simulator',
  failPartOfNextSend: (queue) => void wire.faults.add({ action: 'SendMessageBatch', resource: queue, fault: { kind: 'fail-entries', entries: [1] } }),
  delayNextSend: (queue) => void wire.faults.add({ action: 'SendMessageBatch', resource: queue, fault: { kind: 'delay', when: 'before', ms: lateMs } }),
}

for (const fifo of [false, true]) {
  const type = fifo ? 'FIFO' : 'standard'
  const gaps = [...knownGaps, ...moveGaps]
  certify({ name: `sqs (${type}, fauxqs)`, harness: sqsHarness(fauxqs, fifo), knownGaps: gaps, alongside: true })
  const simulated = { name: `sqs (${type}, simulator)`, harness: sqsHarness(simulator, fifo), alongside: true }
  if (everyBed) certify(simulated)
  else examine({ ...simulated, cases: beyondFauxqs(gaps, fifo) })
}
