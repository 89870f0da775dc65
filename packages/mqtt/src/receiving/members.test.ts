import type { BrokerError, Scope } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import type { Connection, ConnectionEvents } from '../connection/connection.ts'
import type { ReceivedPacket } from '../message/packet.ts'
import type { SessionName } from '../names.ts'
import type { KeeperHost } from './keeper.ts'
import type { MqttDelivery } from './delivery.ts'
import { Members } from './members.ts'

type OnMessage = (connection: Connection, packet: ReceivedPacket) => boolean

const packet: ReceivedPacket = { topic: 't', payload: Buffer.from('long'), qos: 1, dup: false, retain: false, messageId: 7 }
const names = [0, 1].map((index): SessionName => ({ clientId: `s-${index}`, filter: 't', shared: false, members: 2, base: 's', index }))
const nothing = (): void => undefined

/**
 * A holder of both sessions, of which the first one has a message: what it is told of it after another process has asked for that session. `again`: its connection is
 * lost, and the next one brings the message again.
 */
async function yielding(
  revoke: (delivery: MqttDelivery, again: () => Promise<void>) => Promise<void>,
): Promise<{ readonly told: string[]; readonly members: Members }> {
  const told: string[] = []
  const messages: { connection: Connection; onMessage: OnMessage }[] = []
  const deliveries: MqttDelivery[] = []
  const listeners: ConnectionEvents[] = []
  let ask: (packet: ReceivedPacket) => void = nothing
  // Nobody waits here but who connects again.
  const timer = (atMs: number, wake: () => void): { cancel: () => void } => {
    if (atMs <= 100) setImmediate(wake)
    return { cancel: nothing }
  }
  const clock = { now: () => 0, monotonic: () => 0, timer, external: <T>(operation: Promise<T>) => operation }
  const again = async (): Promise<void> => {
    listeners[0]?.onLost(new Error('cut'))
    while (messages.length < 3) await new Promise(setImmediate)
    messages[2]?.onMessage(messages[2].connection, packet)
    await new Promise(setImmediate)
  }
  const host = {
    options: {
      rebalanceMs: 1_000,
      handOverMs: 5_000,
      notesTopic: 'notes',
      sessionExpirySeconds: 60,
      protocolVersion: 5,
      reconnectMaxMs: 100,
      timeoutMs: 5_000,
    },
    services: { clock, random: () => 0.5, log: nothing, meter: nothing },
    holder: 'me',
    qos: 1,
    envelope: false,
    receiveMaximum: () => 10,
    notes: { of: async () => new Map(), listen: () => nothing, topicOf: () => 'note', write: async () => undefined },
    control: {
      connection: undefined,
      whenConnected: async () => ({}),
      roundTrip: async () => undefined,
      listen: () => nothing,
      subscribe: async (_: string, onAsk: typeof ask) => {
        ask = onAsk
        return nothing
      },
    },
    dialer: {
      dial: async ({ onMessage }: { readonly onMessage: OnMessage }) => {
        const close = async (): Promise<void> => void told.push('closed')
        const fake = {
          open: true,
          sessionPresent: true,
          facts: {},
          listen: (events: ConnectionEvents) => void listeners.push(events),
          subscribed: async () => undefined,
          acknowledge: nothing,
          close,
          kill: nothing,
        }
        messages.push({ connection: fake as unknown as Connection, onMessage })
        return fake
      },
    },
    onDelivery: (delivery: MqttDelivery) => {
      delivery.scope.hand(delivery)
      deliveries.push(delivery)
    },
    onDropped: nothing,
    isFull: () => false,
    onLost: (scope: Scope, { code }: BrokerError) => void told.push(`${scope.id} ${code}`),
    onRestored: nothing,
    revoke: () => revoke(deliveries[0] as MqttDelivery, again),
  }
  const members: Members = new Members(names, host as unknown as KeeperHost)
  await members.start()
  messages[0]?.onMessage(messages[0].connection, packet)
  ask({ ...packet, topic: 'notes/asks/s/0', payload: Buffer.from('another') })
  while (!told.includes('closed')) await new Promise(setImmediate)
  return { told, members }
}

it('tells that a session is lost before it gives it away, when what runs has outlasted the deadline, which core would retry otherwise', async () => {
  const { told, members } = await yielding(async () => undefined)
  expect(told).toEqual(['s-0 ERR_TOO_LATE', 'closed'])
  await members.stop()
})

it('tells nothing when all that ran has ended', async () => {
  const { told, members } = await yielding(async (delivery) => void delivery.scope.ack(delivery))
  expect(told).toEqual(['closed'])
  await members.stop()
})

it('tells it also of what a connection has brought that was opened meanwhile', async () => {
  const { told, members } = await yielding((_, again) => again())
  expect(told).toEqual(['s-0 ERR_TOO_LATE', 's-0 ERR_TOO_LATE', 'closed'])
  await members.stop()
})
