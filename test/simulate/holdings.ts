import type { MemoryDriver } from '@busbar/memory'

/** A connection of one process to the memory broker. */
export type MemoryLink = Awaited<ReturnType<MemoryDriver['connect']>>

/** Messages at a broker that are not settled. */
export interface Holdings {
  readonly ready: number
  readonly delayed: number
  readonly inFlight: number
}

/** Everything that the broker has, read from itself and not from what it tells. Records of a stream count until the checkpoint of each subscription has passed them. */
export function holdingsOf({ resources }: MemoryDriver): Holdings {
  let [ready, delayed, inFlight] = [0, 0, 0]
  for (const queue of resources.queues.values()) {
    queue.catchUp()
    ready += queue.ready
    delayed += queue.delayed.size
    inFlight += queue.inFlight
  }
  for (const stream of resources.streams.values()) {
    for (const group of stream.groups.values()) {
      const stats = group.stats()
      ready += stats.ready ?? 0
      inFlight += stats.inFlight ?? 0
    }
  }
  return { ready, delayed, inFlight }
}

/** What the receivers of one link have been given, and have neither settled nor handed back. */
export function heldBy({ name }: MemoryLink, { resources }: MemoryDriver): number {
  const isOurs = (receiver: { readonly name: string }): boolean => receiver.name.startsWith(`${name}-`)
  let held = 0
  for (const queue of resources.queues.values()) for (const port of queue.ports) if (isOurs(port)) held += port.leases.size
  for (const stream of resources.streams.values())
    for (const group of stream.groups.values()) for (const member of group.members) if (isOurs(member)) held += member.heldMessages
  return held
}
