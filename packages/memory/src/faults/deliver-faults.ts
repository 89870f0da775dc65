import { Stored } from '../queue/stored.ts'
import type { QueueDelivery } from '../queue/delivery.ts'
import type { Port } from '../queue/port.ts'
import type { Queue } from '../queue/queue.ts'
import type { Faults } from './faults.ts'
import type { Fault } from './plan.ts'

/** Delivers a batch as the faults have it. The messages are in flight already. */
export function deliverUnder(faults: Faults, struck: readonly Fault[], queue: Queue, port: Port, deliveries: QueueDelivery[]): void {
  let batch = deliveries
  for (const fault of struck) {
    if (fault.kind === 'reorder') batch = shuffled(batch, faults.world.random, queue.behaviour.order !== 'none' || queue.behaviour.exclusive)
    if (fault.kind === 'delay' && !faults.stalled.has(port)) stall(faults, port, fault.ms)
  }
  const stalled = faults.stalled.get(port)
  if (stalled === undefined) port.deliver(batch)
  else stalled.push(...batch)
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
  const deliveries: QueueDelivery[] = []
  faults.stalled.set(port, deliveries)
  clock.timer(clock.monotonic() + ms, () => {
    if (faults.stalled.get(port) !== deliveries) return
    faults.stalled.delete(port)
    if (deliveries.length > 0) port.deliver(deliveries)
  })
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

/** A random order in which messages of one key keep theirs. */
function shuffled(batch: readonly QueueDelivery[], random: () => number, keepKeys: boolean): QueueDelivery[] {
  const order = [...batch.keys()]
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[order[last], order[other]] = [order[other] as number, order[last] as number]
  }
  const mixed = order.map((index) => batch[index] as QueueDelivery)
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
