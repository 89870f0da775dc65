import { once } from 'node:events'

/** Of a process among several that measure in turn: resolves when it is its turn, and ends the one that it has had. */
export async function nextTurn(): Promise<void> {
  const come = once(process, 'message')
  process.send?.({ asks: true })
  await come
}
