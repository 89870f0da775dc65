import { expect, it } from 'vitest'
import type { Fleet, Member } from './fleet.ts'
import { processFaults } from './process-faults.ts'

it('tells who was killed at once, so that the time of it is known, and not after the pause that follows', async () => {
  const signals: string[] = []
  const member = { name: 'consumer-1.0', child: { kill: (signal: string) => signals.push(signal) }, ended: Promise.resolve() } as unknown as Member
  const told: unknown[] = []
  const faults = processFaults({ at: () => member } as unknown as Fleet, async (...all) => void told.push(all))
  await faults.find(({ name }) => name === 'consumer killed (SIGKILL)')?.strike(60_000, 1)
  expect(signals).toEqual(['SIGKILL'])
  expect(told).toEqual([[member, 1, 60_000]])
})
