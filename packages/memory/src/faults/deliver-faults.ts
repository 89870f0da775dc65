import { Stored } from '../queue/stored.ts'
import type { QueueBehaviour } from '../queue/behaviour.ts'
import type { QueueDelivery } from '../queue/delivery.ts'
import type { Port } from '../queue/port.ts'
import type { Queue } from '../queue/queue.ts'
import type { Faults } from './faults.ts'
import type { Fault } from './plan.ts'

/** What a receiver does not get before `until`, in order. */
export interface Stall {
  readonly deliveries: QueueDelivery[]
  /** Monotonic. */
  until: number
}

/** Is there another order of the batch that keeps what the broker promises? */
export function canReorder(batch: readonly QueueDelivery[], { order, exclusive }: QueueBehaviour): boolean {
  // One receiver at a time gets everything in the order sent.
  if (batch.length < 2 || exclusive) return false
  const key = batch[0]?.incoming.key
  return !keepsKeys(order) || key === undefined || batch.some(({ incoming }) => incoming.key !== key)
}

function keepsKeys(order: QueueBehaviour['order']): boolean {
  return order !== 'none' && order !== 'fair'
}

/** Delivers a batch as the faults have it. The messages are in flight already. */
export function deliverUnder(faults: Faults, struck: readonly Fault[], queue: Queue, port: Port, deliveries: QueueDelivery[]): void {
  let batch = deliveries
  for (const fault of struck) {
    if (fault.kind === 'reorder') batch = shuffled(batch, faults.world.random, keepsKeys(queue.behaviour.order))
    if (fault.kind === 'delay') stall(faults, port, fault.ms)
  }
  const stalled = faults.stalled.get(port)
  if (stalled === undefined) port.deliver(batch)
  else stalled.deliveries.push(...batch)
  for (const fault of struck) {
    if (fault.kind === 'duplicate') duplicate(queue, batch[Math.floor(faults.world.random() * batch.length)] as QueueDelivery)
    else if (fault.kind === 'drop-connection') port.member?.drop(fault.downMs ?? 0)
    else if (fault.kind === 'crash-consumer') port.member?.crash()
    else if (fault.kind === 'steal-lease') port.member?.steal()
  }
}

/** What comes for `port` is kept back, in order, for `ms`. It then arrives whole, with receipts that may have died on the way, unless the connection did. */
function stall(faults: Faults, port: Port, ms: number): void {
  const { clock } = faults.world
  const until = clock.monotonic() + ms
  const stalled = faults.stalled.get(port)
  if (stalled !== undefined) {
    stalled.until = Math.max(stalled.until, until)
    return
  }
  const begun: Stall = { deliveries: [], until }
  faults.stalled.set(port, begun)
  const end = (): void => {
    if (faults.stalled.get(port) !== begun) return
    if (clock.monotonic() < begun.until) {
      clock.timer(begun.until, end)
      return
    }
    faults.stalled.delete(port)
    if (begun.deliveries.length > 0) port.deliver(begun.deliveries)
  }
  clock.timer(until, end)
}

/** A second copy while the first is held: its lease ends behind the receiver's back. Without leases: as if the producer had sent it twice. */
function duplicate(queue: Queue, delivery: QueueDelivery): void {
  if (queue.behaviour.lease) {
    queue.expire(delivery)
    return
  }
  const { world } = queue
  const { incoming, priority, expiresAt } = delivery.message
  const now = world.clock.monotonic()
  const timeToLiveMs = expiresAt === Infinity ? undefined : expiresAt - now
  queue.accept(new Stored(world.nextId(), incoming, now, timeToLiveMs, priority), 0)
}

/** Another order, by chance, in which messages of one key keep theirs. */
function shuffled(batch: readonly QueueDelivery[], random: () => number, keepKeys: boolean): QueueDelivery[] {
  const order = [...batch.keys()]
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[order[last], order[other]] = [order[other] as number, order[last] as number]
  }
  const mixed = inOrder(
    batch,
    order.map((index) => batch[index] as QueueDelivery),
    keepKeys,
  )
  // The first to the end is another order, as long as there is one.
  return mixed.every((delivery, index) => delivery === batch[index]) ? inOrder(batch, [...batch.slice(1), ...batch.slice(0, 1)], keepKeys) : mixed
}

/** `mixed`, with the messages of each key in the places of that key in the order of `batch`. */
function inOrder(batch: readonly QueueDelivery[], mixed: QueueDelivery[], keepKeys: boolean): QueueDelivery[] {
  if (!keepKeys) return mixed
  const byKey = new Map<string, QueueDelivery[]>()
  for (const delivery of batch) {
    const key = delivery.incoming.key
    if (key === undefined) continue
    const sameKey = byKey.get(key)
    if (sameKey === undefined) byKey.set(key, [delivery])
    else sameKey.push(delivery)
  }
  return mixed.map((delivery) => (delivery.incoming.key === undefined ? delivery : (byKey.get(delivery.incoming.key)?.shift() as QueueDelivery)))
}
