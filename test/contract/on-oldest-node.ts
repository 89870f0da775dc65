/** The whole suite against the broker in memory, to be run by the oldest Node that `engines` names: `passed`, `failed` as the last line. */
import { describeDriverContract } from '@busbar/contract-tests'
import { memoryHarness } from './harness/memory-harness.ts'
import { plainRunner } from './harness/plain-runner.ts'

let passed = 0
let failed = 0
for (const profile of ['full', 'sqs-standard', 'sqs-fifo', 'sns', 'kinesis', 'rabbitmq', 'mqtt'] as const) {
  const { runner, cases } = plainRunner()
  describeDriverContract({ name: `memory, ${profile}`, harness: memoryHarness({ profile }), runner })
  for (const { name, body } of cases) {
    try {
      await body()
      passed++
    } catch (error) {
      failed++
      console.log(`${name}: ${String(error)}`)
    }
  }
}
console.log(`Node ${process.versions.node}: ${passed} passed, ${failed} failed`)
