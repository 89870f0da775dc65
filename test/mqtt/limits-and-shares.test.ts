import type { Capabilities, Endpoint } from '@busbar/core/driver'
import { mqtt, type MqttNative, type MqttOptions } from '@busbar/mqtt'
import { afterAll, describe, expect, it } from 'vitest'
import { FakeIntake, until } from '../amqp/support/intake.ts'
import { endpointOf, errorOf, messageOf, never, TestLink } from '../amqp/support/link.ts'
import { skipOrFail, startAedes, startMosquitto } from '../brokers/index.ts'
import { freshOptions } from './support/beds.ts'

const users = { bob: 'b' }
const acl = ['user bob', 'topic readwrite notes-bob/#']

const [narrow, guarded, aedes] = await Promise.all([
  startMosquitto({ config: { max_packet_size: 20_000, max_inflight_messages: 5 } }).then(skipOrFail),
  startMosquitto({ users, acl }).then(skipOrFail),
  startAedes(),
])
afterAll(async () => {
  for (const bed of [narrow, guarded, aedes]) await bed?.[Symbol.asyncDispose]()
})

function open(url: string, more: Partial<MqttOptions> = {}): Promise<TestLink<MqttNative>> {
  return TestLink.over(mqtt({ url, timeoutMs: 2_000, reconnectMaxMs: 500, ...freshOptions(), ...more }))
}

function topicOf(name: string, options: Endpoint['options'] = {}): { readonly topic: Endpoint; readonly subscription: Endpoint } {
  const topic = endpointOf(name, { kind: 'topic', options })
  return { topic, subscription: { ...topic, subscription: { name: 's' } } }
}

describe.skipIf(guarded === undefined)('a guarded mosquitto', () => {
  const plain = `mqtt://${new URL(guarded?.url ?? 'mqtt://none').host}`

  it('refuses to send where the user may not, which MQTT 5 alone can tell', async () => {
    const bob = { username: 'bob', password: users.bob, notesTopic: 'notes-bob' }
    await using link = await open(plain, bob)
    const { topic } = topicOf('closed')
    expect(await errorOf(link.send(topic, [messageOf('secret')]))).toMatchObject({ code: 'ERR_ACCESS_DENIED', retryable: false })
    await using older = await open(plain, { ...bob, protocolVersion: 4 })
    await expect(older.send(topic, [messageOf('lost')])).resolves.toBeUndefined()
  })
})

describe.skipIf(narrow === undefined)('a mosquitto with narrow limits', () => {
  const bed = narrow as NonNullable<typeof narrow>

  it('takes no larger messages than it says, and those beside one that is too large', async () => {
    await using link = await open(bed.url)
    const { topic, subscription } = topicOf('narrow')
    await link.provision(topic, subscription)
    const { maxMessageBytes }: Capabilities = await link.link.inspect(topic, never)
    expect(maxMessageBytes).toBe(20_000 - 5)
    const { intake } = await link.receive(subscription)
    const results = await link.sender(topic).send([messageOf('one'), messageOf('x'.repeat(20_000)), messageOf('two')], never)
    expect(results).toMatchObject([{ ok: true }, { ok: false, stored: 'no', error: { code: 'ERR_TOO_LARGE', retryable: false } }, { ok: true }])
    await until('both', () => intake.bodies.length >= 2)
    expect(link.link.health()).toEqual({ state: 'connected' })
  })

  it.each([1, 2] as const)('has never more unconfirmed of us than its Receive Maximum (quality of service %s)', async (qos) => {
    await using link = await open(bed.url)
    const { topic } = topicOf(`window/${qos}`, { qos })
    const { client: native } = link.link.native
    let [unconfirmed, most] = [0, 0]
    const stream = native?.stream
    const write = stream?.write.bind(stream) as (...given: unknown[]) => boolean
    // Packets of this size are written whole.
    Object.assign(stream ?? {}, {
      write(...given: unknown[]) {
        if ((given[0] as Buffer).readUInt8(0) >> 4 === 3) most = Math.max(most, ++unconfirmed)
        return write(...given)
      },
    })
    native?.on('packetreceive', ({ cmd }) => {
      if (cmd === 'puback' || cmd === 'pubcomp') unconfirmed--
    })
    const sender = link.sender(topic)
    const results = await Promise.all(
      Array.from({ length: 4 }, () =>
        sender.send(
          Array.from({ length: 25 }, (_, index) => messageOf(String(index))),
          never,
        ),
      ),
    )
    expect(results.flat().every(({ ok }) => ok)).toBe(true)
    expect(most).toBe(5)
  })

  it('receives what was sent with quality 0, 1 and 2, and tells in its capabilities what quality 0 loses', async () => {
    await using link = await open(bed.url)
    for (const qos of [0, 1, 2] as const) {
      const { topic, subscription } = topicOf(`quality/${qos}`, { qos })
      await link.provision(topic, subscription)
      expect(await link.link.inspect(topic, never)).toMatchObject({ delivery: qos === 0 ? 'at-most-once' : 'at-least-once', confirms: qos > 0 })
      const { intake } = await link.receive(subscription)
      await link.send(
        topic,
        ['a', 'b', 'c'].map((body) => messageOf(body)),
      )
      await until(`all of quality ${qos}`, () => intake.bodies.length === 3)
      expect(intake.bodies).toEqual(['a', 'b', 'c'])
      await until('settled', () => intake.settled.length === 3)
      expect(intake.settled).toEqual(['accepted', 'accepted', 'accepted'])
    }
  })

  it('keeps the last message of a topic where the route says so, and marks it for those who come later', async () => {
    await using link = await open(bed.url)
    const { topic, subscription } = topicOf('kept', { retain: true })
    await link.send(topic, [messageOf('old'), messageOf('newest')])
    await link.provision(topic, subscription)
    const { intake } = await link.receive(subscription)
    await until('the kept one', () => intake.bodies.length > 0)
    await link.send(topic, [messageOf('live')])
    await until('the live one', () => intake.bodies.length > 1)
    expect(intake.deliveries.map(({ incoming }) => [incoming.body.toString(), incoming.headers['mqtt-retained']])).toEqual([
      ['newest', 'true'],
      ['live', undefined],
    ])
  })

  it('refuses what no subscription takes, where the route is mandatory', async () => {
    await using link = await open(bed.url)
    await expect(link.send(topicOf('nobody').topic, [messageOf('x')])).resolves.toBeUndefined()
    expect(await errorOf(link.send(topicOf('nobody', { mandatory: true }).topic, [messageOf('x')]))).toMatchObject({
      code: 'ERR_UNROUTABLE',
      retryable: false,
    })
  })

  it('shows the processes of a queue in even shares, and gives all to the one that is left', async () => {
    const options = { ...freshOptions(), members: 4, rebalanceMs: 100 }
    const queue = endpointOf('shares', { deadLetterName: 'shares.dead' })
    await using one = await open(bed.url, options)
    await one.provision(queue)
    const bodies = (from: number): string[] => Array.from({ length: 40 }, (_, index) => String(from + index))
    const first = await one.receive(queue)
    const sender = one.sender(queue)
    await sender.send(
      bodies(0).map((body) => messageOf(body)),
      never,
    )
    await until('all at the first', () => new Set(first.intake.bodies).size === 40)
    const two = await open(bed.url, options)
    const second = await two.receive(queue)
    await until('half of the sessions are handed over', () => first.intake.revoked.length === 2)
    await until('both get some', async () => {
      await sender.send(
        bodies(100).map((body) => messageOf(body)),
        never,
      )
      return second.intake.bodies.length > 0
    })
    await sender.send(
      bodies(200).map((body) => messageOf(body)),
      never,
    )
    const both = (): Set<string> => new Set([...first.intake.bodies, ...second.intake.bodies])
    await until('all at one of them', () => bodies(200).every((body) => both().has(body)))
    await two[Symbol.asyncDispose]()
    await sender.send(
      bodies(300).map((body) => messageOf(body)),
      never,
    )
    await until('all at the one that is left', () => bodies(300).every((body) => first.intake.bodies.includes(body)))
    expect([...first.intake.failures, ...second.intake.failures]).toEqual([])
  })
})

describe('a broker that grants shared subscriptions and does not deliver', () => {
  it('is found out before a queue is used, with the remedy', async () => {
    await using link = await open(aedes.url, { protocolVersion: 4, sharedSubscriptions: true })
    const queue = endpointOf('queue')
    await link.provision(queue)
    const error = await errorOf(link.link.inspect(queue, never))
    expect(error).toMatchObject({ code: 'ERR_UNSUPPORTED', retryable: false })
    expect(error.message).toMatch(/delivers nothing.*Route queues to a driver that has them/s)
  })

  it('still has queues with one member, for one receiver at a time', async () => {
    await using link = await open(aedes.url, { protocolVersion: 4 })
    const queue = endpointOf('alone', { options: { members: 1 } })
    await link.provision(queue)
    expect(await link.link.inspect(queue, never)).toMatchObject({ competingConsumers: false, ordering: 'destination' })
    await link.send(queue, [messageOf('one')])
    const { intake } = await link.receive(queue, new FakeIntake())
    await until('the message', () => intake.bodies.includes('one'))
  })
})
