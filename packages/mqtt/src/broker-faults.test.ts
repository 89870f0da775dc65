import { setTimeout as pause } from 'node:timers/promises'
import type { BrokerError, Endpoint, Intake, Link, Receiver, Services } from '@busbar/core/driver'
import { afterEach, describe, expect, it } from 'vitest'
import type { MqttDelivery } from './receiving/delivery.ts'
import { mqtt } from './mqtt-driver.ts'
import type { MqttOptions } from './options.ts'
import { fakeBroker, message, type FakeBroker, type Hook } from './test-support/fake-broker.ts'
import { endpoint, outgoing } from './test-support/messages.ts'
import { never, services } from './test-support/services.ts'

/** What brokers do seldom, or do wrong. */

const closers: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

async function brokerWith(hook?: Hook, protocolVersion: 5 | 4 = 5, properties = {}): Promise<FakeBroker> {
  const broker = await fakeBroker(protocolVersion, hook, properties)
  closers.push(broker.close)
  return broker
}

async function linkTo({ url }: FakeBroker, options: Partial<MqttOptions> = {}, given: Services = services): Promise<Link> {
  const link = await mqtt({ url, timeoutMs: 500, ...options }).connect(given, never)
  closers.push(() => link.close())
  return link
}

interface Received {
  readonly receiver: Receiver
  readonly got: MqttDelivery[]
  readonly failures: BrokerError[]
  /** Those of them after which it has ended. */
  readonly fatal: BrokerError[]
  readonly recoveries: () => number
}

function receiverOf(link: Link, source = subscription): Received {
  if (link.receiver === false) throw new Error('the link receives nothing')
  const got: MqttDelivery[] = []
  const failures: BrokerError[] = []
  const fatal: BrokerError[] = []
  let recovered = 0
  const intake: Intake = {
    deliver: (deliveries) => void got.push(...(deliveries as readonly MqttDelivery[])),
    lost: () => undefined,
    revoke: async () => undefined,
    failed: (error, isFatal) => {
      failures.push(error)
      if (isFatal) fatal.push(error)
    },
    recovered: () => void recovered++,
  }
  const receiver = link.receiver(source, intake, { messages: 10, bytes: 1_000_000 })
  closers.push(() => receiver.handBack())
  return { receiver, got, failures, fatal, recoveries: () => recovered }
}

const subscription = endpoint({ kind: 'topic', name: 'events', subscription: { name: 's' } })

function sessionOf({ sessions }: FakeBroker): { readonly clientId: string; readonly filters: readonly string[] } {
  const found = [...sessions].find(([clientId]) => !clientId.includes('-link-'))
  if (found === undefined) throw new Error('no session')
  return { clientId: found[0], filters: [...found[1].filters] }
}

describe.each([5, 4] as const)('MQTT %s: a session without its subscription', (protocolVersion) => {
  it('is subscribed when it is made again: what was tried before was refused, and left the session', async () => {
    let refusing = true
    const refuse: Hook = (_, packet, send) => {
      if (packet.cmd !== 'subscribe' || packet.subscriptions[0]?.topic !== 'events' || !refusing) return false
      send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [protocolVersion === 5 ? 0x87 : 0x80] })
      return true
    }
    const broker = await brokerWith(refuse, protocolVersion)
    const link = await linkTo(broker, { protocolVersion })
    await expect(link.topology?.apply([subscription], [], never)).rejects.toThrow(/Subscribing to events/)
    expect(sessionOf(broker).filters).toEqual([])
    refusing = false
    await link.topology?.apply([subscription], [], never)
    expect(sessionOf(broker).filters).toEqual(['events'])
  })

  it('is subscribed by its receiver, whatever the notes say', async () => {
    const broker = await brokerWith(undefined, protocolVersion)
    const link = await linkTo(broker, { protocolVersion })
    await link.topology?.apply([subscription], [], never)
    broker.sessions.get(sessionOf(broker).clientId)?.filters.clear()
    await receiverOf(link).receiver.start()
    expect(sessionOf(broker).filters).toEqual(['events'])
  })
})

describe('a queue that was made with another number of members', () => {
  it.each([1, 2, 6])('is not received from, sent to or taken for whole with %s', async (members) => {
    const link = await linkTo(await brokerWith())
    const queue = (given: number): Endpoint => endpoint({ options: { members: given } })
    await link.topology?.apply([queue(4)], [], never)
    const conflict = { code: 'ERR_CONFLICT', message: expect.stringContaining('was made with 4 members') as string }
    await expect(link.inspect(queue(members), never)).rejects.toMatchObject(conflict)
    await expect(receiverOf(link, queue(members)).receiver.start()).rejects.toMatchObject(conflict)
    expect(await link.sender(queue(members)).send([outgoing()], never)).toMatchObject([{ ok: false, stored: 'no', error: conflict }])
  })

  it.each([0, 65, 1.5])('takes a note of %j for none', async (members) => {
    const broker = await brokerWith()
    await (await linkTo(broker)).topology?.apply([endpoint({ options: { members: 1 } })], [], never)
    for (const topic of broker.retained.keys()) broker.retained.set(topic, JSON.stringify({ v: 1, filter: 'orders', members }))
    const link = await linkTo(broker)
    await expect(link.inspect(endpoint({ options: { members: 1 } }), never)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  })
})

it('still knows the notes that have come after one look that took too long', async () => {
  let mute = false
  const broker = await brokerWith((_, packet) => mute && packet.cmd === 'publish' && packet.topic.includes('/echoes/'))
  const queue = (members: number): Endpoint => endpoint({ options: { members } })
  await (await linkTo(broker)).topology?.apply([queue(2)], [], never)
  const { topology } = await linkTo(broker, { timeoutMs: 200 })
  mute = true
  // The third is waited for.
  await expect(topology?.plan([queue(3)], never)).rejects.toThrow(/echo/)
  mute = false
  expect(await topology?.plan([queue(2)], never)).toEqual([])
})

it('takes back a session that the broker says was taken over, where nobody notes that he has it', async () => {
  const broker = await brokerWith()
  const link = await linkTo(broker)
  await link.topology?.apply([subscription], [], never)
  const { receiver, failures } = receiverOf(link)
  await receiver.start()
  const { clientId } = sessionOf(broker)
  const connects = (): number => broker.received.filter(({ packet }) => packet.cmd === 'connect' && packet.clientId === clientId).length
  expect(connects()).toBe(2)
  broker.sessions.get(clientId)?.send?.({ cmd: 'disconnect', reasonCode: 0x8e })
  await expect.poll(connects, { timeout: 5_000 }).toBe(3)
  expect(failures).toEqual([])
})

it('has not recovered before all of its sessions have', async () => {
  let refused: string | undefined
  const refuse: Hook = (clientId, packet, send) => {
    if (packet.cmd !== 'connect' || clientId !== refused) return false
    send({ cmd: 'connack', reasonCode: 0x88, sessionPresent: false })
    return true
  }
  const broker = await brokerWith(refuse)
  const link = await linkTo(broker, { reconnectMaxMs: 100 })
  const queue = endpoint({ options: { members: 2 } })
  await link.topology?.apply([queue], [], never)
  const { receiver, failures, recoveries } = receiverOf(link, queue)
  await receiver.start()
  const connects = (): readonly string[] => broker.received.flatMap(({ clientId, packet }) => (packet.cmd === 'connect' ? [clientId] : []))
  const [first = '', second = ''] = [...broker.sessions.keys()].filter((clientId) => !clientId.includes('-link-'))
  refused = second
  const before = connects().length
  for (const clientId of [first, second]) broker.sessions.get(clientId)?.send?.({ cmd: 'disconnect', reasonCode: 0x8b })
  await expect.poll(() => connects().slice(before), { timeout: 5_000 }).toContain(first)
  await expect.poll(() => failures.length, { timeout: 5_000 }).toBeGreaterThan(2)
  expect(recoveries()).toBe(0)
  refused = undefined
  await expect.poll(recoveries, { timeout: 5_000 }).toBe(1)
})

it('goes on when its session is denied for a moment, as by a broker that is still starting, and ends when that lasts for a minute', async () => {
  let [denied, passedMs] = [false, 0]
  const deny: Hook = (clientId, packet, send) => {
    if (packet.cmd !== 'connect' || !denied || clientId.includes('-link-')) return false
    send({ cmd: 'connack', reasonCode: 0x87, sessionPresent: false })
    return true
  }
  const { clock } = services
  const later = {
    ...clock,
    monotonic: () => clock.monotonic() + passedMs,
    timer: (atMs: number, wake: () => void) => clock.timer(atMs - passedMs, wake),
  }
  const broker = await brokerWith(deny)
  const link = await linkTo(broker, { reconnectMaxMs: 100 }, { ...services, clock: later })
  await link.topology?.apply([subscription], [], never)
  const { receiver, failures, fatal, recoveries } = receiverOf(link)
  await receiver.start()
  const cut = (): void => {
    denied = true
    broker.sessions.get(sessionOf(broker).clientId)?.send?.({ cmd: 'disconnect', reasonCode: 0x8b })
  }
  for (const time of [1, 2]) {
    cut()
    await expect.poll(() => failures.length, { timeout: 5_000 }).toBeGreaterThan(time)
    denied = false
    await expect.poll(recoveries, { timeout: 5_000 }).toBe(time)
    failures.splice(0)
    passedMs += 60_000
  }
  expect(fatal).toEqual([])
  cut()
  await expect.poll(() => failures.length, { timeout: 5_000 }).toBeGreaterThan(0)
  passedMs += 60_000
  await expect.poll(() => fatal.map(({ code }) => code), { timeout: 5_000 }).toContain('ERR_ACCESS_DENIED')
})

it('believes a broker that says that it has no shared subscriptions, and does not try', async () => {
  const broker = await brokerWith(undefined, 5, { sharedSubscriptionAvailable: false })
  const link = await linkTo(broker)
  const queue = endpoint({ options: { members: 2 } })
  const unsupported = { code: 'ERR_UNSUPPORTED', message: expect.stringMatching(/says that it has no shared subscriptions.*members: 1/) as string }
  await expect(link.inspect(queue, never)).rejects.toMatchObject(unsupported)
  expect(broker.received.filter(({ packet }) => packet.cmd === 'publish' && packet.topic.includes('/probes/'))).toEqual([])
})

it('warns when the broker keeps sessions for less time than it was asked to', async () => {
  const told: unknown[] = []
  const log: Services['log'] = (level, event, { grantedMs }) => void (event === 'session:expiry' && told.push([level, grantedMs]))
  const link = await linkTo(await brokerWith(undefined, 5, { sessionExpiryInterval: 3_600 }), { sessionExpiryMs: 86_400_000 }, { ...services, log })
  await link.topology?.apply([subscription], [], never)
  await receiverOf(link).receiver.start()
  expect(told).toEqual([['warn', 3_600_000]])
})

it.each([
  [0, 1, 'at-most-once', false],
  [1, 2, 'at-least-once', true],
] as const)(
  'of a broker that has quality %s at most asks no more, where a route says %s, and says what that loses',
  async (maximumQoS, qos, delivery, confirms) => {
    const broker = await brokerWith(undefined, 5, { maximumQoS })
    const link = await linkTo(broker)
    const topic = endpoint({ kind: 'topic', name: 'events', options: { qos } })
    expect(await link.inspect(topic, never)).toMatchObject({ delivery, confirms })
    expect(await link.sender(topic).send([outgoing()], never)).toEqual([{ ok: true }])
    const sent = (): readonly number[] => broker.received.flatMap(({ packet }) => (packet.cmd === 'publish' && packet.topic === 'events' ? [packet.qos] : []))
    await expect.poll(sent).toEqual([maximumQoS])
  },
)

it('has never more unconfirmed than the broker allows, its own messages among them', async () => {
  let [open, worst, confirmed] = [0, 0, 0]
  const slow: Hook = (_, packet, send) => {
    if (packet.cmd !== 'publish' || packet.qos === 0) return false
    const { messageId = 0 } = packet
    worst = Math.max(worst, ++open)
    services.clock.timer(services.clock.monotonic() + 20, () => {
      open--
      send({ cmd: 'puback', messageId, reasonCode: 0 })
    })
    // It goes where it should, and is confirmed above.
    packet.qos = 0
    return false
  }
  const link = await linkTo(await brokerWith(slow, 5, { receiveMaximum: 10 }))
  const sent = link.sender(endpoint({ kind: 'topic', name: 'others' })).send(
    Array.from({ length: 60 }, () => outgoing()),
    never,
  )
  await expect.poll(() => open, { interval: 1 }).toBeGreaterThan(5)
  // It waits for an echo.
  await link.topology?.plan([subscription], never)
  for (const { ok } of await sent) if (ok) confirmed++
  expect([confirmed, worst <= 10]).toEqual([60, true])
})

it('asks other processes for sessions without a message that the broker must confirm', async () => {
  const broker = await brokerWith()
  const queue = endpoint({ options: { members: 2 } })
  const [one, two] = [await linkTo(broker), await linkTo(broker)]
  await one.topology?.apply([queue], [], never)
  await receiverOf(one, queue).receiver.start()
  const asked = (): readonly number[] =>
    broker.received.flatMap(({ packet }) => (packet.cmd === 'publish' && packet.topic.includes('/asks/') ? [packet.qos] : []))
  expect(asked()).toEqual([])
  await receiverOf(two, queue).receiver.start()
  await expect.poll(asked).toContain(0)
  expect(asked()).not.toContain(1)
})

it('notes that it has a session before it is subscribed: the one who had it must not take it back', async () => {
  let noted: string | undefined
  const slow: Hook = (clientId, packet, send) => {
    if (packet.cmd === 'publish' && packet.topic.includes('/sessions/') && !clientId.includes('-link-')) noted = packet.payload.toString()
    if (packet.cmd !== 'subscribe' || packet.subscriptions[0]?.topic !== 'events' || noted === undefined) return false
    if (JSON.parse(noted).holder !== undefined) return false
    // It is answered when the note has come.
    services.clock.timer(services.clock.monotonic() + 50, () => {
      if (JSON.parse(noted ?? '{}').holder !== undefined) send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [1] })
    })
    return true
  }
  const link = await linkTo(await brokerWith(slow))
  await link.topology?.apply([subscription], [], never)
  await receiverOf(link).receiver.start()
  expect(JSON.parse(noted ?? '{}')).toHaveProperty('holder')
})

describe('a session in which a backlog is sent at once, and the answer to the subscription behind it', () => {
  const backlog = 3_000
  const bytes = 10_000

  async function setUp(granted: number, properties = {}): Promise<Received & Pick<FakeBroker, 'unread' | 'received'>> {
    const hook: Hook = (clientId, packet, send) => {
      if (packet.cmd !== 'subscribe' || packet.subscriptions[0]?.topic !== 'events') return false
      if (broker.sessions.get(clientId)?.filters.has('events') !== true) return false
      for (let id = 1; id <= backlog; id++) send(message('events', 'x'.repeat(bytes), id))
      send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [granted] })
      return true
    }
    const broker = await brokerWith(hook, 5, properties)
    // Long enough for a busy machine to send the first of the backlog; the answer itself stays unread for longer.
    const link = await linkTo(broker, { timeoutMs: 1_500 })
    await link.topology?.apply([subscription], [], never)
    return { ...receiverOf(link), unread: broker.unread, received: broker.received }
  }

  /** Acks everything until it has acked so much, or has been told of a failure. */
  async function handle({ receiver, got, failures }: Pick<Received, 'receiver' | 'got' | 'failures'>, most: number): Promise<void> {
    let acked = 0
    while (acked < most && failures.length === 0) {
      const taken = got.slice(acked)
      acked += taken.length
      await receiver.settle(taken.map((delivery) => ({ delivery, action: 'ack' })))
      await expect.poll(() => got.length > acked || acked === backlog || failures.length > 0, { interval: 1, timeout: 5_000 }).toBe(true)
    }
  }

  it('is received from at once, and read no further than its messages are handled', async () => {
    const { unread, ...received } = await setUp(1)
    await received.receiver.start()
    await expect.poll(() => received.got.length).toBe(10)
    await pause(1_600)
    expect(unread()).toBeGreaterThan(0.5 * backlog * bytes)
    await handle(received, backlog)
    expect(received.got.map(({ packetId }) => packetId)).toEqual(Array.from({ length: backlog }, (_, index) => index + 1))
    expect(received.failures).toEqual([])
  })

  it('is kept alive while it is not read, as often as the broker wants to hear of it', async () => {
    const { receiver, got, received } = await setUp(1, { serverKeepAlive: 1 })
    await receiver.start()
    await expect.poll(() => got.length).toBe(10)
    const [{ scope }] = got as [MqttDelivery]
    await pause(2_500)
    expect(scope.closed).toBe(false)
    const pings = received.filter(({ clientId, packet }) => packet.cmd === 'pingreq' && clientId === scope.id)
    expect(pings.length).toBeGreaterThanOrEqual(2)
  })

  it('is told to be refused when the answer is read', async () => {
    const { receiver, got, failures } = await setUp(0x87)
    await receiver.start()
    await handle({ receiver, got, failures }, backlog)
    await expect.poll(() => failures.length).toBeGreaterThan(0)
    expect(failures[0]).toMatchObject({ code: 'ERR_ACCESS_DENIED' })
  })
})
