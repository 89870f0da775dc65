import { expect, it } from 'vitest'
import { planPartitions, prefetchOf, shareOf, type HeldPartition } from './partition-plan.ts'

function held(states: string, prefetch: number): HeldPartition[] {
  return Array.from(states, (state, partition) => ({ partition, active: state === 'A', unsettled: partition, prefetch }))
}

it('shares partitions and window out, rounded to the safe side', () => {
  expect([1, 2, 3, 8, 9].map((members) => shareOf(8, members))).toEqual([8, 4, 3, 1, 1])
  expect([1, 2, 3, 8].map((members) => prefetchOf(32, 8, members))).toEqual([4, 8, 10, 32])
  expect(prefetchOf(8, 8, 1)).toBe(1)
  expect(prefetchOf(1e9, 1, 1)).toBe(65_535)
})

it('leaves alone what is balanced', () => {
  expect(planPartitions({ partitions: 8, members: 2, membersBefore: 2, held: held('AAAAiiii', 8), window: 32 })).toEqual({ handOver: [], requeue: [] })
  expect(planPartitions({ partitions: 8, members: 1, membersBefore: 1, held: held('AiAiiiii', 4), window: 32 })).toEqual({ handOver: [], requeue: [] })
})

it('hands the surplus over, the least busy first to go, and offers idle ones to a newcomer', () => {
  expect(planPartitions({ partitions: 8, members: 2, membersBefore: 1, held: held('AAAAAAAA', 4), window: 32 })).toEqual({
    handOver: [3, 2, 1, 0],
    requeue: [],
  })
  const offered = planPartitions({ partitions: 8, members: 2, membersBefore: 1, held: held('AAiiiiii', 4), window: 32 })
  expect(offered.handOver).toEqual([])
  expect(offered.requeue).toHaveLength(4)
})

it('repairs windows that are wrong by more than a factor of two, active ones one at a time', () => {
  expect(planPartitions({ partitions: 8, members: 1, membersBefore: 2, held: held('AAAAAiii', 16), window: 32 })).toEqual({ handOver: [4], requeue: [5, 6, 7] })
  expect(planPartitions({ partitions: 8, members: 1, membersBefore: 2, held: held('AAAAAAAA', 8), window: 32 })).toEqual({ handOver: [], requeue: [] })
})
