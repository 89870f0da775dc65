import { expect, it } from 'vitest'
import type { Capabilities, Delivery, Endpoint, Incoming, Intake, Link, Outcome, Receiver, Scope, SettleResult } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { turns } from '../test-support/turns.ts'
import { DeadLetterReader } from './reader.ts'

const leaseMs = 8_000
const scope: Scope = { id: 'connection' }

interface SetUp {
  readonly reader: DeadLetterReader
  readonly intake: Intake
  readonly clock: ManualClock
  /** Calls of `extend`, by the ids of what they extend. */
  readonly extended: string[][]
  /** Takes a delivery in. */
  readonly deliver: (id: string) => void
  /** Takes a delivery in and gives it out. */
  readonly take: (id: string) => Promise<Delivery>
}

/** A reader of a place with a lease for each message, or with one for all of them. `extend` answers for each. */
async function setUp(extend?: (delivery: Delivery) => SettleResult): Promise<SetUp> {
  const clock = new ManualClock()
  const extended: string[][] = []
  let intake: Intake | undefined
  const receiver = {
    start: async () => undefined,
    settle: async (outcomes: readonly Outcome[]) => outcomes.map(() => 'durable'),
    ...(extend && {
      extend: async (deliveries: readonly Delivery[], ms: number) => {
        extended.push(deliveries.map(({ incoming }) => incoming.id as string))
        return deliveries.map((delivery) => {
          const result = extend(delivery)
          if (result === 'durable') delivery.leaseUntil = clock.monotonic() + ms
          return result
        })
      },
    }),
  } as unknown as Receiver
  const link = {
    health: () => ({ state: 'connected' }),
    receiver: (_endpoint: Endpoint, given: Intake) => {
      intake = given
      return receiver
    },
  } as unknown as Link
  const capabilities = {
    maxMessageBytes: 1_000,
    settlement: { maxBatch: 2 },
    lease: { kind: extend ? 'message' : 'scope', ms: leaseMs },
  } as unknown as Capabilities
  const reader = new DeadLetterReader(link, { name: 'orders.dead' } as Endpoint, capabilities, clock, 0)
  await reader.start()
  const deliver = (id: string): void => {
    const incoming = { id, body: id, bodyBytes: id.length, headers: {} } as unknown as Incoming
    intake?.deliver([{ scope, incoming, sameAs: id, brokerAttempts: 1, leaseUntil: extend && clock.monotonic() + leaseMs }])
  }
  const take = async (id: string): Promise<Delivery> => {
    deliver(id)
    return (await reader.next(undefined)) as Delivery
  }
  return { reader, intake: intake as Intake, clock, extended, deliver, take }
}

async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    clock.advance(1_000)
    await turns()
  }
}

it('leases are renewed while nobody asks for the next dead letter, as many in a call as one takes', async () => {
  const { reader, clock, extended, take } = await setUp(() => 'durable')
  const taken = [await take('a'), await take('b'), await take('c')]
  await pass(clock, 10 * leaseMs)
  expect(taken.every((delivery) => reader.holds(delivery))).toBe(true)
  expect(extended.slice(0, 2)).toEqual([['a', 'b'], ['c']])
})

it('what could not be renewed in time is held no longer, and known when it comes again', async () => {
  const { reader, clock, take } = await setUp(({ incoming }) => (incoming.id === 'a' ? 'too-late' : 'durable'))
  const [a, b] = [await take('a'), await take('b')]
  await pass(clock, leaseMs)
  expect([reader.holds(a), reader.holds(b)]).toEqual([false, true])
  const again = [await take('a'), await take('b'), await take('a')]
  expect(again.map((delivery) => reader.isRepeat(delivery))).toEqual([true, false, false])
})

it('a renewal that fails is tried again, and what has ended meanwhile is held no longer', async () => {
  let failures = 1
  const failing = (): SettleResult => {
    if (failures-- > 0) throw new BrokerError('ERR_UNAVAILABLE', 'a driver that rejects')
    return 'durable'
  }
  const { reader, clock, take } = await setUp(failing)
  const patient = await take('a')
  await pass(clock, 2 * leaseMs)
  expect(reader.holds(patient)).toBe(true)
  failures = Infinity
  await pass(clock, 2 * leaseMs)
  expect(reader.holds(patient)).toBe(false)
  expect(reader.isRepeat(await take('a'))).toBe(true)
})

it('a lease that has ended while nothing could run is not held, though nobody has looked at it', async () => {
  const { reader, clock, take } = await setUp(() => 'durable')
  const delivery = await take('a')
  clock.advance(leaseMs)
  expect(reader.holds(delivery)).toBe(false)
})

it('silence is not the end of the place while what was lost may be hidden by a renewal that came too late', async () => {
  const { reader, clock, deliver, take } = await setUp(() => 'too-late')
  await take('a')
  await pass(clock, leaseMs)
  let ended = false
  const next = reader.next(undefined).finally(() => (ended = true))
  // It was lost half a lease ago at most.
  await pass(clock, leaseMs / 2 - 1_000)
  expect(ended).toBe(false)
  deliver('a')
  expect((await next)?.incoming.id).toBe('a')
})

it('silence is the end when what was lost has come again, or has not within a lease', async () => {
  const { reader, clock, take } = await setUp(() => 'too-late')
  await take('a')
  await pass(clock, leaseMs)
  await take('a')
  let ended = false
  void reader.next(undefined).then(() => (ended = true))
  await pass(clock, 1_000)
  expect(ended).toBe(true)
  await pass(clock, leaseMs)
  ended = false
  void reader.next(undefined).then(() => (ended = true))
  await pass(clock, leaseMs + 1_000)
  expect(ended).toBe(true)
})

it('silence is the end when what was lost has been acked after all', async () => {
  const { reader, clock, take } = await setUp(() => 'too-late')
  const delivery = await take('a')
  await pass(clock, leaseMs / 2)
  expect(reader.holds(delivery)).toBe(false)
  await reader.ack([delivery], undefined)
  let ended = false
  void reader.next(undefined).then(() => (ended = true))
  await pass(clock, 1_000)
  expect(ended).toBe(true)
})

it('what a scope takes along is held no longer, and what has arrived of it is not given out', async () => {
  const { reader, intake, clock, take } = await setUp()
  const delivery = await take('a')
  await pass(clock, 10 * leaseMs)
  expect(reader.holds(delivery)).toBe(true)
  intake.deliver([{ ...delivery, incoming: { ...delivery.incoming, id: 'b' } }])
  intake.lost(scope, new BrokerError('ERR_UNAVAILABLE', 'cut'))
  expect([reader.holds(delivery), reader.empty]).toEqual([false, true])
  expect(reader.isRepeat(await take('a'))).toBe(true)
})
