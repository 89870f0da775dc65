import type { Driver, Outgoing } from '@busbar/core/driver'
import type { Harness } from '@busbar/contract-tests'
import { memory, seededRandom, virtualClock, type MemoryDriver, type ProfileName, type VirtualClock } from '@busbar/memory'

export interface MemoryHarnessOptions {
  readonly profile: ProfileName
  readonly seed?: number
  /** Makes the driver that is examined out of the sound one: for mutants and for legal oddities. */
  readonly wrap?: (driver: MemoryDriver, clock: VirtualClock) => Driver
  /** Default 5,000 ms. */
  readonly arrivalMs?: number
}

/** One memory broker of its own in virtual time: a case that waits for an hour takes milliseconds. */
export function memoryHarness({ profile, seed = 1, wrap = (driver) => driver, arrivalMs = 5_000 }: MemoryHarnessOptions): Harness {
  const clock = virtualClock()
  // A standard queue keeps no order: delivering in the order sent would hide that.
  const broker = memory({ profile, clock, seed, missing: 'refuse', disorder: profile === 'sqs-standard' ? 10 : 1 })
  const driver = wrap(broker, clock)
  const random = seededRandom(seed)
  let names = 0
  return {
    label: { driver: broker.name, version: profile, kind: 'simulator' },
    clock,
    random,
    bounds: { arrivalMs, quietMs: 2_000, reconnectMs: 15_000, longestWaitMs: Infinity, largestBytes: 268_435_456, caseMs: 60_000 },
    createDriver: () => driver,
    uniqueName: (prefix) => `${prefix}-${++names}${profile === 'sqs-fifo' ? '.fifo' : ''}`,
    ...(profile === 'sns' ? { createDeadLetterDriver: () => memory({ profile: 'sqs-standard', clock, seed }) } : {}),
    faults: {
      cutConnections: async () => broker.dropConnections(),
      outage: async () => {
        // The broker has no switch of its own: the connections stay down until they are dropped again for no time.
        broker.dropConnections(86_400_000)
        return { end: async () => broker.dropConnections(0) }
      },
      sendForeign: async (name, kind, message) => {
        const link = await broker.connect({ clock, random, log: () => {}, meter: () => {} }, new AbortController().signal)
        const { body, headers = {} } = message
        // A plain client gives no identity, type or time; what it writes into Busbar's own header is for the broker to read or to ignore.
        // Records of a stream always have a partition key.
        const partition = kind === 'stream' || profile === 'kinesis' ? { key: 'foreign' } : {}
        const foreign = { ...partition, body, bodyBytes: Buffer.byteLength(body), headers, attempt: 0 } as unknown as Outgoing
        await link.sender({ destination: name, kind, name, keyed: false, maxAttempts: 0, options: {} }).send([foreign], new AbortController().signal)
        await link.close()
      },
      failPartOfNextSend: async (name) => broker.inject({ at: { operation: 'send', place: name }, fault: { kind: 'fail-part' }, times: 1 }),
      loseNextAnswer: async (name) => broker.inject({ at: { operation: 'send', place: name }, fault: { kind: 'lose-response', stored: true }, times: 1 }),
      reshard: async (name) => {
        const stream = broker.stream(name)
        const [first, next] = stream?.open.toSorted((a, b) => (a.startingHashKey < b.startingHashKey ? -1 : 1)) ?? []
        if (stream === undefined || first === undefined || next === undefined) throw new Error(`${name} has fewer than two shards`)
        const [, upper] = stream.split(first.id)
        stream.merge(upper.id, next.id)
      },
    },
  }
}
