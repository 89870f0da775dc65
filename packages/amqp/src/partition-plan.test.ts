import { expect, it } from 'vitest'
import { planPartitions, prefetchOf, shareOf, type HeldPartition } from './partition-plan.ts'

function held(states: string): HeldPartition[] {
  return Array.from(states, (state, partition) => ({ partition, active: state === 'A', unsettled: partition }))
}

it('shares partitions out, rounded up, and gives each of them the same window whatever the members', () => {
  expect([1, 2, 3, 8, 9].map((members) => shareOf(8, members))).toEqual([8, 4, 3, 1, 1])
  expect([8, 32, 39].map((window) => prefetchOf(window, 8))).toEqual([1, 4, 4])
  expect(prefetchOf(1e9, 1)).toBe(65_535)
})

it('leaves alone what is balanced', () => {
  expect(planPartitions({ partitions: 8, members: 2, membersBefore: 2, held: held('AAAAiiii') })).toEqual({ handOver: [], requeue: [] })
  expect(planPartitions({ partitions: 8, members: 1, membersBefore: 1, held: held('AiAiiiii') })).toEqual({ handOver: [], requeue: [] })
})

it('hands the surplus over, the least busy first to go, and offers idle ones to a newcomer', () => {
  expect(planPartitions({ partitions: 8, members: 2, membersBefore: 1, held: held('AAAAAAAA') })).toEqual({
    handOver: [3, 2, 1, 0],
    requeue: [],
  })
  const offered = planPartitions({ partitions: 8, members: 2, membersBefore: 1, held: held('AAiiiiii') })
  expect(offered.handOver).toEqual([])
  expect(offered.requeue).toHaveLength(4)
})
