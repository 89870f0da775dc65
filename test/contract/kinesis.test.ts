import { afterAll, vi } from 'vitest'
import { startKinesis } from '../brokers/kinesis/kinesis-local.ts'
import { certify } from './harness/certify.ts'
import { kinesisHarness } from './harness/kinesis-harness.ts'

// The emulator answers some two hundred calls a second, and whoever waits polls it.
vi.setConfig({ maxConcurrency: 12 })

const bed = await startKinesis()
afterAll(() => bed[Symbol.asyncDispose]())

certify({ name: 'kinesis (kinesis-local)', harness: kinesisHarness(bed, false) })
