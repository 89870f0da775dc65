import { array, assert, asyncProperty, check, constant, constantFrom, nat, oneof, record, type Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allMutants } from '../mutants/all-mutants.ts'
import { alter } from '../mutants/alter.ts'
import { System, type Command } from './model/system.ts'

const nth = nat({ max: 5 })
const keys = constantFrom('a', 'b', 'c', undefined)

const command: Arbitrary<Command> = oneof(
  { weight: 6, arbitrary: record({ do: constant('send' as const), key: keys }) },
  { weight: 4, arbitrary: record({ do: constantFrom('ack' as const, 'release' as const, 'dead-letter' as const, 'late-ack' as const), nth }) },
  { weight: 3, arbitrary: record({ do: constant('retry' as const), nth, delayMs: constantFrom(0, 1_000, 45_000) }) },
  { weight: 3, arbitrary: record({ do: constant('advance' as const), ms: constantFrom(500, 15_000, 30_000, 60_000) }) },
  { weight: 2, arbitrary: record({ do: constantFrom('drain' as const, 'crash' as const, 'redrive' as const) }) },
)
const commands = array(command, { maxLength: 60 })

async function hold(system: System, sequence: readonly Command[]): Promise<void> {
  await system.open()
  for (const next of sequence) await system.run(next)
  await system.finish()
}

describe.each(['full', 'sqs-fifo'] as const)('any sequence of commands on memory (%s)', (profile) => {
  it('is what the reference allows, and everything comes in the end', async () => {
    await assert(
      asyncProperty(commands, (sequence) => hold(new System(profile), sequence)),
      { numRuns: 1_000, seed: 2026 },
    )
  }, 60_000)
})

// A property that no driver could break would prove nothing.
const broken = [
  'ack-no-op',
  'ack-touches-neighbour',
  'retry-loses',
  'retry-delay-early',
  'release-acks',
  'lease-ends-early',
  'redelivered-last',
  'delivery-reversed',
  'late-ack-claims-durable',
  'late-ack-deletes-in-secret',
]

describe.each(broken)('the property on the mutant %s', (name) => {
  it('fails', async () => {
    const mutant = allMutants.find((candidate) => candidate.name === name)
    expect(mutant).toBeDefined()
    const wrapped = (): System => new System('full', (driver) => alter(driver, mutant?.alterations() ?? {}))
    const result = await check(
      asyncProperty(commands, (sequence) => hold(wrapped(), sequence)),
      { numRuns: 500, seed: 2026, endOnFailure: true },
    )
    expect(result.failed).toBe(true)
  }, 60_000)
})
