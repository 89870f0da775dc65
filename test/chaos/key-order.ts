import { readId } from './message-id.ts'

/** Nanoseconds at which something first happened to a message; 0: never. */
export interface FirstTimes {
  readonly firstBegin: number
  readonly firstEffect: number
}

interface Numbered {
  readonly id: string
  readonly number: number
  readonly times: FirstTimes
}

/**
 * After dropping repeated ids, each key of a sender is started, and has its effects, in the order sent. Answers those that came before one that was sent earlier.
 * The order of one key holds within one sender: that of two processes is nobody's promise.
 */
export function outOfOrder(messages: ReadonlyMap<string, FirstTimes>): readonly string[] {
  const keys = Map.groupBy(
    Array.from(messages, ([id, times]) => ({ id, times, ...readId(id) })),
    ({ producer, key }) => `${producer}/${key}`,
  )
  return [...keys.values()].flatMap((list) => {
    const sorted = list.toSorted((a, b) => a.number - b.number)
    return [...new Set([...late(sorted, 'firstBegin'), ...late(sorted, 'firstEffect')])]
  })
}

function late(sorted: readonly Numbered[], time: keyof FirstTimes): string[] {
  let latest = 0
  return sorted
    .filter(({ times }) => times[time] > 0)
    .filter(({ times }) => {
      const before = latest
      latest = Math.max(latest, times[time])
      return times[time] < before
    })
    .map(({ id }) => id)
}
