import { allCases, type ContractCase } from '@busbar/contract-tests'
import { afterAll, vi } from 'vitest'
import { startKinesis } from '../brokers/kinesis/kinesis-local.ts'
import { certify } from './harness/certify.ts'
import { kinesisHarness } from './harness/kinesis-harness.ts'

// A case waits a second for each event, and asks nothing meanwhile.
vi.setConfig({ maxConcurrency: 24 })

const bed = await startKinesis()
afterAll(() => bed[Symbol.asyncDispose]())

/** What does not go by how records are read, and is examined where they are polled. With them, and for all three kinds, the suite takes three minutes. */
const others = ['capabilities', 'dead-letters', 'errors', 'peek', 'provisioning', 'requests', 'sending']

/** Those of receiving, once: queues and topics are read as streams are. */
const cases = allCases
  .filter(({ id, kinds }) => !others.includes(id.split('/')[0] ?? '') && kinds?.includes('stream') !== false)
  .map((each): ContractCase => ({ ...each, kinds: ['stream'] }))

certify({ name: 'kinesis (kinesis-local, fan-out)', harness: kinesisHarness(bed, true), cases })
