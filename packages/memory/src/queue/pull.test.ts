import { describe, expect, it } from 'vitest'
import { virtualClock } from '../clock/virtual-clock.ts'
import { sqsBehaviour } from '../profiles/sqs.ts'
import { seededRandom } from '../random.ts'
import { outgoing } from '../testing/builders.ts'
import { World } from '../world.ts'
import { changeRetention } from './change-retention.ts'
import type { QueueDelivery } from './delivery.ts'
import { queueStats } from './inspect.ts'
import type { Port } from './port.ts'
import { Queue } from './queue.ts'
import { incomingOf, Stored } from './stored.ts'

const settings = { leaseMs: 30_000, disorder: 1, throttle: false }

class Kit {
  readonly clock = virtualClock({ auto: false })
  readonly world = new World(this.clock, seededRandom(1), (name) => [name])
  readonly queue: Queue
  readonly port: Port

  constructor(fifo: boolean) {
    this.queue = new Queue('q', sqsBehaviour(fifo, settings), this.world)
    this.port = this.queue.attach('puller', { messages: Infinity, bytes: Infinity }, () => {
      throw new Error('A closed port is delivered to')
    })
  }

  send(...bodies: string[]): void {
    for (const body of bodies) this.queue.accept(new Stored(this.world.nextId(), incomingOf(outgoing({ body, key: 'k' })), this.clock.monotonic()))
  }

  pull(max = 10, leaseMs = 1_000): QueueDelivery[] {
    return this.queue.pull(this.port, max, leaseMs)
  }

  reclaim(delivery: QueueDelivery | undefined, ms: number): unknown {
    return delivery && this.queue.reclaim(delivery, ms, this.clock.monotonic())
  }
}

const bodies = (deliveries: readonly QueueDelivery[]): unknown[] => deliveries.map(({ incoming }) => incoming.body)

describe('a pull', () => {
  it.each([false, true])('gives at most what is asked for, leased as long as it says (FIFO: %s)', async (fifo) => {
    const kit = new Kit(fifo)
    kit.send('a', 'b', 'c')
    expect(bodies(kit.pull(2, 500))).toEqual(['a', 'b'])
    expect(bodies(kit.pull(2, 2_000))).toEqual(fifo ? [] : ['c'])
    await kit.clock.advance(499)
    expect(kit.pull()).toEqual([])
    await kit.clock.advance(1)
    expect(bodies(kit.pull())).toEqual(fifo ? ['a', 'b', 'c'] : ['a', 'b'])
  })

  it('brings no more than one receive call does', () => {
    const kit = new Kit(false)
    kit.send(...Array.from({ length: 11 }, (_, index) => `${index}`))
    expect(kit.pull(100)).toHaveLength(10)
  })
})

describe('onReady', () => {
  it('is called for what is sent, freed and due, and not for nothing', async () => {
    const kit = new Kit(false)
    let calls = 0
    kit.queue.onReady = () => calls++
    kit.send('a')
    await kit.clock.advance(0)
    expect(calls).toBe(1)
    kit.pull()
    await kit.clock.advance(999)
    expect(calls).toBe(1)
    await kit.clock.advance(1)
    expect(calls).toBe(2)
  })
})

describe('reclaim', () => {
  it('hides what nobody has received since the lease ended', async () => {
    const kit = new Kit(false)
    kit.send('a')
    const [first] = kit.pull()
    await kit.clock.advance(1_000)
    expect(kit.reclaim(first, 2_000)).toBe('durable')
    expect(queueStats(kit.queue)).toMatchObject({ ready: 0, inFlight: 1 })
    expect(kit.pull()).toEqual([])
    await kit.clock.advance(2_000)
    const [second] = kit.pull()
    expect(second?.brokerAttempts).toBe(2)
    expect(first && kit.queue.settle({ delivery: first, action: 'ack' }, kit.port, kit.clock.monotonic())).toBe('too-late')
    expect(second && kit.queue.settle({ delivery: second, action: 'ack' }, kit.port, kit.clock.monotonic())).toBe('durable')
    expect(queueStats(kit.queue)).toMatchObject({ ready: 0, inFlight: 0 })
    expect(kit.port.heldBytes).toBe(0)
  })

  it('is too late for what was received since, and for what is gone', async () => {
    const kit = new Kit(false)
    kit.send('a')
    const [first] = kit.pull()
    await kit.clock.advance(1_000)
    const [second] = kit.pull()
    expect(kit.reclaim(first, 2_000)).toBe('too-late')
    if (second !== undefined) kit.queue.settle({ delivery: second, action: 'ack' }, kit.port, kit.clock.monotonic())
    expect(kit.reclaim(first, 2_000)).toBe('too-late')
  })

  it('is too late for a receipt that is not the latest, and so is its delete', async () => {
    const kit = new Kit(false)
    kit.send('a')
    const [first] = kit.pull()
    await kit.clock.advance(1_000)
    const [second] = kit.pull()
    await kit.clock.advance(1_000)
    expect(kit.reclaim(first, 2_000)).toBe('too-late')
    expect(first && kit.queue.settle({ delivery: first, action: 'ack' }, kit.port, kit.clock.monotonic())).toBe('too-late')
    expect(second && kit.queue.settle({ delivery: second, action: 'ack' }, kit.port, kit.clock.monotonic())).toBe('durable')
    expect(kit.pull()).toEqual([])
  })

  it('stays within the longest lease, counted from the receive', async () => {
    const kit = new Kit(false)
    kit.send('a')
    const [delivery] = kit.pull()
    await kit.clock.advance(1_000)
    expect(kit.reclaim(delivery, 43_200_000)).toMatchObject({ error: { code: 'ERR_INVALID' } })
    expect(kit.reclaim(delivery, 43_199_000)).toBe('durable')
  })

  it('is not for FIFO queues', async () => {
    const kit = new Kit(true)
    kit.send('a')
    const [delivery] = kit.pull()
    await kit.clock.advance(1_000)
    expect(kit.reclaim(delivery, 1_000)).toMatchObject({ error: { code: 'ERR_UNSUPPORTED' } })
  })
})

describe('a change of the retention', () => {
  it.each([false, true])('reaches what is stored, delayed and in flight (FIFO: %s)', async (fifo) => {
    const kit = new Kit(fifo)
    kit.send('in flight')
    kit.pull()
    kit.queue.defaultDelayMs = 5_000
    kit.send('delayed')
    kit.queue.defaultDelayMs = 0
    kit.send('waiting')
    await kit.clock.advance(500)
    changeRetention(kit.queue, 1_000)
    expect(queueStats(kit.queue)).toMatchObject({ ready: 1, inFlight: 1, delayed: 1 })
    await kit.clock.advance(500)
    expect(queueStats(kit.queue)).toMatchObject({ ready: 0, inFlight: 0, delayed: 0 })
    kit.send('new')
    await kit.clock.advance(999)
    expect(queueStats(kit.queue)).toMatchObject({ ready: 1 })
    await kit.clock.advance(1)
    expect(kit.pull()).toEqual([])
  })
})

describe('a message that is moved', () => {
  it('keeps its id and gets a place after what came before it', () => {
    const kit = new Kit(true)
    const dead = new Queue('dead', sqsBehaviour(true, settings), kit.world)
    const port = dead.attach('puller', { messages: Infinity, bytes: Infinity }, () => {})
    kit.queue.deadLetter = { queue: dead, limit: 1, from: 'q' }
    kit.send('a', 'b')
    const [first] = kit.pull(1)
    if (first !== undefined) kit.queue.settle({ delivery: first, action: 'release' }, kit.port, kit.clock.monotonic())
    expect(bodies(kit.pull())).toEqual(['b'])
    const [moved] = dead.pull(port, 1, 1_000)
    expect(moved?.message.id).toBe(first?.message.id)
    expect(moved?.message.sequence).toBeGreaterThan(2)
  })
})
