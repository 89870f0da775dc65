import type { Intake, Link, Receiver, SettleResult } from '@busbar/core/driver'
import { generate, parser, type Packet } from 'mqtt-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { encodePublish } from '../message/encode.ts'
import { incomingOf } from '../message/incoming.ts'
import { publicationOf } from '../message/outgoing.ts'
import type { ReceivedPacket, ReceivedProperties } from '../message/packet.ts'
import { mqtt } from '../mqtt-driver.ts'
import { fakeBroker, message, type FakeBroker, type Hook } from '../test-support/fake-broker.ts'
import { endpoint, outgoing } from '../test-support/messages.ts'
import { never, services } from '../test-support/services.ts'
import { copyOf } from './copies.ts'
import type { MqttDelivery } from './delivery.ts'

const form5 = { topic: 'orders', qos: 1, protocolVersion: 5 } as const
const form4 = { ...form5, protocolVersion: 4 } as const

function parsed(bytes: Buffer, protocolVersion: 5 | 4): ReceivedPacket {
  let found: unknown
  const reader = parser({ protocolVersion })
  reader.on('packet', (packet: unknown) => (found = packet))
  reader.parse(bytes)
  return found as ReceivedPacket
}

/** The copy of a received packet, as it is received again. */
function copied(packet: ReceivedPacket, protocolVersion: 5 | 4, attempt: number, heldMs = 0): ReceivedPacket {
  const publication = copyOf({ incoming: incomingOf(packet, protocolVersion === 4) }, attempt, heldMs, { ...form5, protocolVersion })
  return parsed(Buffer.concat(encodePublish(publication, 1, protocolVersion)), protocolVersion)
}

function foreign(properties: ReceivedProperties, parts: Partial<ReceivedPacket> = {}): ReceivedPacket {
  const packet = { cmd: 'publish', topic: 'orders', payload: Buffer.from([0xff, 0, 0xfe]), qos: 1, dup: true, retain: false, messageId: 9, ...parts }
  return parsed(generate({ ...packet, properties } as Packet, { protocolVersion: 5 }), 5)
}

describe('the copy of a message', () => {
  it('is the message with its count of attempts, and nothing else is changed', () => {
    const properties = {
      payloadFormatIndicator: true,
      contentType: 'application/json',
      responseTopic: 'replies/1',
      correlationData: Buffer.from([0x80, 0xff, 0]),
      userProperties: { tenant: 'äcme', twice: ['1', '2'], empty: '', busbar: '{"v":1,"i":"m-1","t":"position","k":"truck-7","s":1767225600123,"a":1}' },
    }
    const copy = copied(foreign(properties), 5, 2)
    expect(copy).toMatchObject({ topic: 'orders', qos: 1, dup: false, retain: false })
    expect(copy.payload).toEqual(Buffer.from([0xff, 0, 0xfe]))
    const { userProperties, ...others } = properties
    const busbar = '{"v":1,"i":"m-1","t":"position","k":"truck-7","s":1767225600123,"a":2}'
    expect({ ...copy.properties, userProperties: { ...copy.properties?.userProperties } }).toEqual({ ...others, userProperties: { ...userProperties, busbar } })
  })

  it('of a copy that was old news says so once', () => {
    const again = copied(foreign({ userProperties: { 'mqtt-retained': 'true' } }, { retain: true }), 5, 1)
    expect(again.properties?.userProperties?.['mqtt-retained']).toBe('true')
  })

  it('has metadata only if there is something to tell', () => {
    expect(copied(foreign({}), 5, 3).properties).toEqual({ userProperties: { busbar: '{"v":1,"a":3}' } })
    expect(copied(foreign({ userProperties: { busbar: '{"v":1,"a":3}' } }), 5, 0).properties).toBeUndefined()
  })

  it('has what is left of the expiry, and a second at least', () => {
    const left = (heldMs: number): number | undefined => copied(foreign({ messageExpiryInterval: 5 }), 5, 1, heldMs).properties?.messageExpiryInterval
    expect([0, 999, 1_000, 4_500, 5_000, 60_000].map(left)).toEqual([5, 5, 4, 1, 1, 1])
  })

  it('is not kept by the broker, and still flagged where the message had been', () => {
    const copy = copied(foreign({}, { retain: true }), 5, 1)
    expect(copy.retain).toBe(false)
    expect({ ...incomingOf(copy, false).headers }).toEqual({ 'mqtt-retained': 'true' })
  })

  it('of MQTT 3.1.1 is in an envelope, also where the message was in none', () => {
    const { topic, payload } = publicationOf(outgoing({ headers: { tenant: 'äcme' }, key: 'k', type: 't', replyTo: 'r', correlationId: 'c', attempt: 1 }), {
      ...form4,
      envelope: true,
      retain: false,
    })
    const packet: ReceivedPacket = { topic, payload, qos: 1, dup: false, retain: false, messageId: 1 }
    const { native: _, ...before } = incomingOf(packet, true)
    const { native: __, ...after } = incomingOf(copied(packet, 4, 2), true)
    expect(after).toEqual({ ...before, attempt: 2 })
    const bare = incomingOf(copied({ ...packet, payload: Buffer.from('bare') }, 4, 1), true)
    expect([Buffer.from(bare.body).toString(), bare.attempt, bare.id]).toEqual(['bare', 1, undefined])
  })
})

const closers: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

interface Republishing {
  readonly broker: FakeBroker
  readonly receiver: Receiver
  readonly got: readonly MqttDelivery[]
  /** Attempts of copies, and packet identifiers of acks of the queue's session, in the order in which the broker has got them. */
  readonly told: () => readonly string[]
  readonly cut: () => void
  readonly settle: (delivery: MqttDelivery | undefined, action: 'ack' | 'retry', delayMs?: number) => Promise<SettleResult>
}

/** A receiver of a queue with one member that has got the messages 1 and 2. */
async function republishing(hook: Hook = () => false): Promise<Republishing> {
  const broker = await fakeBroker(5, hook)
  closers.push(broker.close)
  const link: Link = await mqtt({ url: broker.url, timeoutMs: 2_000 }).connect(services, never)
  closers.push(() => link.close())
  const queue = endpoint({ options: { members: 1, redelivery: 'republish' } })
  await link.topology?.apply([queue], [], never)
  if (link.receiver === false) throw new Error('the link receives nothing')
  const got: MqttDelivery[] = []
  const nothing = (): void => undefined
  const intake: Intake = {
    deliver: (some) => void got.push(...(some as readonly MqttDelivery[])),
    lost: nothing,
    revoke: async () => undefined,
    failed: nothing,
    recovered: nothing,
  }
  const receiver = link.receiver(queue, intake, { messages: 10, bytes: 1_000_000 })
  closers.push(() => receiver.handBack())
  await receiver.start()
  const clientId = [...broker.sessions.keys()].find((id) => !id.includes('-link-')) ?? ''
  for (const id of [101, 102]) broker.sessions.get(clientId)?.send?.(message('orders', String(id), id))
  await expect.poll(() => got.length).toBe(2)
  return {
    ...{ broker, receiver, got },
    told: () =>
      broker.received.flatMap(({ clientId: from, packet }) => {
        if (packet.cmd === 'publish' && packet.topic === 'orders') return [`copy of attempt ${incomingOf(packet, false).attempt}`]
        return packet.cmd === 'puback' && from === clientId && (packet.messageId ?? 0) > 100 ? [`ack of ${packet.messageId}`] : []
      }),
    cut: () => broker.sessions.get(clientId)?.send?.({ cmd: 'disconnect', reasonCode: 0x8b }),
    async settle(delivery, action, delayMs = 0) {
      if (delivery === undefined) throw new Error('no delivery')
      const [result] = await receiver.settle([action === 'ack' ? { delivery, action } : { delivery, action, delayMs, attempt: 1 }])
      return result ?? 'too-late'
    },
  }
}

/** Keeps answers to copies back until the test lets them go, with this reason code. */
function holding(): { readonly hook: Hook; readonly answer: (reasonCode: number) => void; readonly waiting: () => number } {
  const answers: ((reasonCode: number) => void)[] = []
  return {
    hook(_, packet, send) {
      if (packet.cmd !== 'publish' || packet.topic !== 'orders') return false
      answers.push((reasonCode) => send({ cmd: 'puback', messageId: packet.messageId ?? 0, reasonCode }))
      return true
    },
    answer: (reasonCode) => answers.shift()?.(reasonCode),
    waiting: () => answers.length,
  }
}

describe('a receiver that publishes again', () => {
  it('acks a message when its copy is confirmed, not before, and no other', async () => {
    const { hook, answer, waiting } = holding()
    const { got, told, settle } = await republishing(hook)
    const settled = settle(got[0], 'retry')
    await expect.poll(waiting).toBe(1)
    expect(await settle(got[0], 'ack')).toBe('too-late')
    expect(await settle(got[0], 'retry')).toBe('too-late')
    expect(told()).toEqual(['copy of attempt 1'])
    answer(0)
    expect(await settled).toBe('accepted')
    await expect.poll(told).toEqual(['copy of attempt 1', 'ack of 101'])
    expect(await settle(got[0], 'ack')).toBe('too-late')
  })

  it('acks it behind those that came before it', async () => {
    const { got, told, settle } = await republishing()
    expect(await settle(got[1], 'retry')).toBe('accepted')
    expect(told()).toEqual(['copy of attempt 1'])
    expect(await settle(got[0], 'ack')).toBe('accepted')
    await expect.poll(told).toEqual(['copy of attempt 1', 'ack of 101', 'ack of 102'])
  })

  it('leaves the message as it was when the copy is refused', async () => {
    const { hook, answer, waiting } = holding()
    const { got, told, settle } = await republishing(hook)
    const settled = settle(got[0], 'retry')
    await expect.poll(waiting).toBe(1)
    answer(0x97)
    expect(await settled).toMatchObject({ error: { code: 'ERR_THROTTLED', retryable: true } })
    expect(told()).toEqual(['copy of attempt 1'])
    expect(await settle(got[0], 'ack')).toBe('accepted')
    await expect.poll(told).toEqual(['copy of attempt 1', 'ack of 101'])
  })

  it('answers that it is too late where the session was lost meanwhile', async () => {
    const { hook, answer, waiting } = holding()
    const { got, told, settle, cut } = await republishing(hook)
    const settled = settle(got[0], 'retry')
    await expect.poll(waiting).toBe(1)
    cut()
    await expect.poll(() => got[0]?.scope.closed).toBe(true)
    answer(0)
    expect(await settled).toBe('too-late')
    expect(told()).toEqual(['copy of attempt 1'])
  })

  it('does not wait, nor release or discard', async () => {
    const { got, told, receiver, settle } = await republishing()
    expect(await settle(got[0], 'retry', 1)).toMatchObject({ error: { code: 'ERR_UNSUPPORTED', retryable: false } })
    const [delivery] = got
    if (delivery === undefined) throw new Error('no delivery')
    expect(
      await receiver.settle([
        { delivery, action: 'release' },
        { delivery, action: 'discard' },
      ]),
    ).toMatchObject([{ error: { code: 'ERR_UNSUPPORTED' } }, { error: { code: 'ERR_UNSUPPORTED' } }])
    expect(told()).toEqual([])
    expect(await settle(delivery, 'ack')).toBe('accepted')
  })
})
