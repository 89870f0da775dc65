import fc from 'fast-check'
import { describe, it } from 'vitest'
import { System, type Command } from './model/system.ts'

const nth = fc.nat({ max: 5 })
const keys = fc.constantFrom('a', 'b', 'c', undefined)

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), key: keys }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('ack' as const, 'release' as const, 'dead-letter' as const), nth }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('retry' as const), nth, delayMs: fc.constantFrom(0, 1_000, 45_000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(500, 15_000, 30_000, 60_000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('drain' as const, 'crash' as const, 'redrive' as const) }) },
)

describe.each(['full', 'sqs-fifo'] as const)('any sequence of commands on memory (%s)', (profile) => {
  it('is what the reference allows, and everything comes in the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
        const system = new System(profile)
        await system.open()
        for (const next of commands) await system.run(next)
        await system.finish()
      }),
      { numRuns: 300, seed: 2026 },
    )
  }, 60_000)
})
