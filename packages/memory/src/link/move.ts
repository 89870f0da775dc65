import { sleep, type MoveOptions } from '@busbar/core/driver'
import { browseQueue } from '../queue/inspect.ts'
import type { Queue } from '../queue/queue.ts'
import { Stored } from '../queue/stored.ts'
import type { World } from '../world.ts'

/** Moved at once where no rate is asked for. */
const lot = 100

/** Moves what waits in one queue to another as new messages, which are no dead letters any more. */
export async function moveMessages(world: World, from: Queue, to: Queue, options: MoveOptions): Promise<{ readonly moved: number }> {
  const { ratePerSecond = Infinity, signal, onProgress } = options
  const { clock } = world
  // Not what comes while it runs, which may be what was moved.
  const all = waiting(from, Infinity).length
  let moved = 0
  while (moved < all) {
    signal?.throwIfAborted()
    const some = waiting(from, Math.min(lot, all - moved, Math.ceil(ratePerSecond / 10)))
    if (some.length === 0) break
    for (const message of some) {
      from.drop(message)
      to.accept(anew(message, world), 0)
    }
    moved += some.length
    onProgress?.(moved)
    if (ratePerSecond !== Infinity && moved < all) await sleep(clock, (1_000 * some.length) / ratePerSecond, signal)
  }
  return { moved }
}

function waiting(queue: Queue, limit: number): Stored[] {
  return browseQueue(queue, -1, Infinity)
    .filter(({ state }) => state === 'ready')
    .slice(0, limit)
}

function anew({ incoming, priority }: Stored, world: World): Stored {
  const { 'busbar-dead': _, ...headers } = incoming.headers
  return new Stored(world.nextId(), { ...incoming, headers, attempt: 0, deadLetteredFrom: undefined }, world.clock.monotonic(), undefined, priority)
}
