import { afterAll, vi } from 'vitest'
import { describeDriverContract } from '@busbar/contract-tests'
import { vitestRunner } from '../harness/vitest-runner.ts'
import { amqpHarness } from '../harness/amqp-harness.ts'
vi.setConfig({ maxConcurrency: 16 })
const bed = await amqpHarness('4.0')
describeDriverContract({ name: `amqp`, harness: bed!.harness, runner: vitestRunner('concurrent') })
afterAll(() => bed![Symbol.asyncDispose]())
