import { describe, expect, it } from 'vitest'
import { virtualClock } from '../clock/virtual-clock.ts'
import { sqsBehaviour } from '../profiles/sqs.ts'
import { seededRandom } from '../random.ts'
import { outgoing } from '../testing/builders.ts'
import { World } from '../world.ts'
import type { QueueDelivery } from './delivery.ts'
import { browseQueue, queueStats } from './inspect.ts'
import type { Port } from './port.ts'
import { Queue } from './queue.ts'
import { incomingOf, Stored } from './stored.ts'

class Kit {
  readonly clock = virtualClock({ auto: false })
  readonly world = new World(this.clock, seededRandom(1), (name) => [name])
  readonly queue: Queue
  readonly port: Port

  constructor(disorder = 1) {
    this.queue = new Queue('q', sqsBehaviour(false, { leaseMs: 30_000, disorder, throttle: false }), this.world)
    this.port = this.queue.attach('puller', { messages: Infinity, bytes: Infinity }, () => {})
  }

  send(tenant: string | undefined, ...bodies: string[]): void {
    for (const body of bodies) {
      const message = outgoing({ body, ...(tenant !== undefined && { key: tenant }) })
      this.queue.accept(new Stored(this.world.nextId(), incomingOf(message), this.clock.monotonic()))
    }
  }

  pull(max = 10, leaseMs = 1_000): QueueDelivery[] {
    return this.queue.pull(this.port, max, leaseMs)
  }

  settle(delivery: QueueDelivery | undefined, action: 'ack' | 'release'): void {
    if (delivery !== undefined) this.queue.settle({ delivery, action }, this.port, this.clock.monotonic())
  }
}

const bodies = (deliveries: readonly QueueDelivery[]): string[] => deliveries.map(({ incoming }) => String(incoming.body))
const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}${index}`)

describe('a noisy tenant', () => {
  it('is one with thirty messages in flight that are more than a tenth, and waits for the others', () => {
    const kit = new Kit()
    kit.send('noisy', ...numbered('n', 60))
    kit.send('quiet', 'q0', 'q1')
    kit.send(undefined, 'none')
    const held = [...kit.pull(), ...kit.pull()]
    expect(bodies([...held, ...kit.pull()])).toEqual(numbered('n', 30))
    expect(bodies(kit.pull(5))).toEqual(['q0', 'q1', 'none', 'n30', 'n31'])
    // What is left of it is what it was, and in its order.
    expect(queueStats(kit.queue)).toMatchObject({ ready: 28, inFlight: 35 })
    expect(browseQueue(kit.queue, -1, 100)).toHaveLength(28)
    expect(bodies(kit.pull())).toEqual(numbered('n', 42).slice(32))
  })

  it('has its turn again, before what is younger, when it holds less', () => {
    const kit = new Kit()
    kit.send('noisy', ...numbered('n', 40))
    kit.send('quiet', 'q0')
    const held = [...kit.pull(), ...kit.pull(), ...kit.pull()]
    expect(bodies(kit.pull(1))).toEqual(['q0'])
    kit.send('quiet', 'q1')
    for (const delivery of held.slice(0, 5)) kit.settle(delivery, 'ack')
    expect(bodies(kit.pull(6))).toEqual(['n30', 'n31', 'n32', 'n33', 'n34', 'q1'])
  })

  it('is none where all hold as much', () => {
    const kit = new Kit()
    for (let tenant = 0; tenant < 10; tenant++) kit.send(`t${tenant}`, ...numbered(`t${tenant}-`, 31))
    // A tenth of what is in flight is not more than a tenth.
    for (let round = 0; round < 30; round++) kit.pull()
    expect(queueStats(kit.queue)).toMatchObject({ ready: 10, inFlight: 300 })
    expect(kit.pull()).toHaveLength(10)
  })

  it('gets all of a long queue when nobody else has a message', () => {
    const kit = new Kit()
    kit.send('noisy', ...numbered('n', 100_000))
    let got = 0
    for (let pulled = kit.pull(); pulled.length > 0; pulled = kit.pull()) {
      got += pulled.length
      // Always noisy, so that all of it is put aside.
      if (got > 100) for (const delivery of pulled) kit.settle(delivery, 'ack')
    }
    expect(got).toBe(100_000)
  })

  it('gives neither order nor exclusivity', () => {
    const kit = new Kit()
    kit.send('tenant', 'a', 'b')
    expect(bodies(kit.pull(1))).toEqual(['a'])
    expect(bodies(kit.pull(1))).toEqual(['b'])
  })
})

describe('whatever is done', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('every message is delivered until it is deleted, and never to two at once: seed %i', async (seed) => {
    const kit = new Kit(seed % 2 === 0 ? 5 : 1)
    const random = seededRandom(seed)
    const below = (bound: number): number => Math.floor(random() * bound)
    const left = new Set<string>()
    let held: QueueDelivery[] = []
    const pull = (): void => {
      for (const delivery of kit.pull(1 + below(10), 500 + below(3_000))) {
        expect(left).toContain(delivery.incoming.body)
        expect(held.filter(({ live }) => live).map(({ incoming }) => incoming.body)).not.toContain(delivery.incoming.body)
        held.push(delivery)
      }
    }
    const actions: readonly (() => Promise<void> | void)[] = [
      () => {
        const names = numbered(`s${left.size}-${random()}-`, 1 + below(12))
        names.forEach((name) => left.add(name))
        kit.send([undefined, 'noisy', 'noisy', 'noisy', `t${below(4)}`][below(5)], ...names)
      },
      pull,
      pull,
      () => {
        const [delivery] = held.splice(below(held.length), 1)
        if (delivery?.live === true) left.delete(String(delivery.incoming.body))
        if (delivery?.live === true) kit.settle(delivery, 'ack')
      },
      () => kit.settle(held.splice(below(held.length), 1)[0], 'release'),
      () => {
        const delivery = held[below(held.length)]
        if (delivery !== undefined && !delivery.live) kit.queue.reclaim(delivery, 1_000, kit.clock.monotonic())
      },
      () => kit.clock.advance(below(900)),
    ]
    for (let step = 0; step < 600; step++) await actions[below(actions.length)]?.()
    held = held.filter(({ live }) => live)
    const { ready, inFlight } = queueStats(kit.queue)
    expect([ready, inFlight]).toEqual([left.size - held.length, held.length])
    expect(browseQueue(kit.queue, -1, Infinity)).toHaveLength(left.size - held.length)
    await kit.clock.advance(10_000)
    held = []
    for (let got = kit.pull(); got.length > 0; got = kit.pull()) {
      for (const delivery of got) left.delete(String(delivery.incoming.body))
      for (const delivery of got) kit.settle(delivery, 'ack')
    }
    expect([...left]).toEqual([])
    expect(kit.port.heldBytes).toBe(0)
  })
})
