import { assertKnownKeys } from '@busbar/core/driver'
import { memoryError } from '../errors.ts'
import type { Resources } from '../resources.ts'
import type { World } from '../world.ts'

export interface IdleOptions {
  /** Wait for messages that are delayed beyond now too. Default true. */
  readonly includeDelayed?: boolean
  /** Milliseconds of the broker's clock after which it rejects with `ERR_TIMEOUT` and the counts. Default 60,000. */
  readonly timeoutMs?: number
}

/** Milliseconds between two looks at streams and queues that are not idle, on the broker's clock. */
const lookMs = 5

/** Resolves when nothing is ready, in flight or (unless excluded) delayed in any queue, and no group of a stream is behind. */
export async function idle(resources: Resources, world: World, options: IdleOptions): Promise<void> {
  assertKnownKeys('idle', options, ['includeDelayed', 'timeoutMs'])
  const { includeDelayed = true, timeoutMs = 60_000 } = options
  if (!(timeoutMs >= 0)) throw new RangeError(`idle: timeoutMs must be a number of milliseconds ≥ 0, not ${timeoutMs}`)
  const { clock } = world
  const deadline = clock.monotonic() + timeoutMs
  for (;;) {
    // A few turns first: what is under way in microtasks needs no time to pass.
    for (let turn = 0; turn < 20 && busy(resources, includeDelayed).length > 0; turn++) await Promise.resolve()
    const busyPlaces = busy(resources, includeDelayed)
    if (busyPlaces.length === 0) return
    if (clock.monotonic() >= deadline) throw memoryError('ERR_TIMEOUT', `Not idle after ${timeoutMs} ms: ${busyPlaces.join('; ')}`)
    await new Promise<void>((resolve) => clock.timer(Math.min(clock.monotonic() + lookMs, deadline), resolve))
  }
}

function busy(resources: Resources, includeDelayed: boolean): string[] {
  const texts: string[] = []
  for (const [name, queue] of resources.queues) {
    const { ready, inFlight } = queue
    const delayed = queue.delayed.size
    if (queue.attended && (ready > 0 || inFlight > 0 || (includeDelayed && delayed > 0)))
      texts.push(`${name} has ${ready} ready, ${inFlight} in flight, ${delayed} delayed`)
  }
  for (const stream of resources.streams.values()) {
    for (const group of stream.groups.values()) {
      const { ready, inFlight } = group.stats()
      if (group.attended && ((ready ?? 0) > 0 || (inFlight ?? 0) > 0)) texts.push(`${group.name} has ${ready} ready, ${inFlight} in flight`)
    }
  }
  return texts
}
