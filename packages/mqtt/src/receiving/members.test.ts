import type { BrokerError, Scope } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import type { Connection } from '../connection/connection.ts'
import type { ReceivedPacket } from '../message/packet.ts'
import type { SessionName } from '../names.ts'
import type { KeeperHost } from './keeper.ts'
import type { MqttDelivery } from './delivery.ts'
import { Members } from './members.ts'

type OnMessage = (connection: Connection, packet: ReceivedPacket) => boolean

const packet: ReceivedPacket = { topic: 't', payload: Buffer.from('long'), qos: 1, dup: false, retain: false, messageId: 7 }
const names = [0, 1].map((index): SessionName => ({ clientId: `s-${index}`, filter: 't', shared: false, members: 2, base: 's', index }))
const nothing = (): void => undefined

/** A holder of both sessions, of which the first one has a message: what it is told of it after another process has asked for that session. */
async function yielding(revoke: (delivery: MqttDelivery, members: Members) => Promise<void>): Promise<{ readonly told: string[]; readonly members: Members }> {
  const told: string[] = []
  const messages: { connection: Connection; onMessage: OnMessage }[] = []
  const deliveries: MqttDelivery[] = []
  let ask: (packet: ReceivedPacket) => void = nothing
  const clock = { now: () => 0, monotonic: () => 0, timer: () => ({ cancel: nothing }), external: <T>(operation: Promise<T>) => operation }
  const host = {
    options: { rebalanceMs: 1_000, handOverMs: 5_000, notesTopic: 'notes', sessionExpirySeconds: 60, protocolVersion: 5 },
    services: { clock, random: () => 0.5, log: nothing, meter: nothing },
    holder: 'me',
    qos: 1,
    envelope: false,
    receiveMaximum: () => 10,
    notes: { of: async () => new Map(), listen: () => nothing, topicOf: () => 'note', write: async () => undefined },
    control: {
      connection: undefined,
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
          listen: nothing,
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
    revoke: () => revoke(deliveries[0] as MqttDelivery, members),
  }
  const members: Members = new Members(names, host as unknown as KeeperHost)
  await members.start()
  messages[0]?.onMessage(messages[0].connection, packet)
  ask({ ...packet, topic: 'notes/asks/s/0', payload: Buffer.from('another') })
  await new Promise(setImmediate)
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
