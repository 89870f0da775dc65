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

/** Sessions that another process has. What is logged and asked while time passes; `free` has its holder's will come. */
function waiting(handOverMs: number): {
  readonly members: Members
  readonly logged: (readonly unknown[])[]
  readonly asked: string[]
  readonly pass: (ms: number) => Promise<void>
  readonly free: (index: number) => void
} {
  const logged: (readonly unknown[])[] = []
  const asked: string[] = []
  const notes = new Map<number, { readonly holder: string | undefined }>([0, 1].map((index) => [index, { holder: 'another' }]))
  const timers = new Set<{ readonly atMs: number; readonly wake: () => void }>()
  let onNote: (index: number) => void = nothing
  let nowMs = 0
  const timer = (atMs: number, wake: () => void): { cancel: () => void } => {
    const one = { atMs, wake }
    timers.add(one)
    return { cancel: () => void timers.delete(one) }
  }
  const connection = { open: true, sessionPresent: true, facts: {}, listen: nothing, subscribed: async () => undefined, close: async () => undefined }
  const host = {
    options: { rebalanceMs: 1_000, handOverMs, notesTopic: 'notes', sessionExpirySeconds: 60, protocolVersion: 5, timeoutMs: 1_000 },
    services: {
      clock: { now: () => nowMs, monotonic: () => nowMs, timer, external: <T>(operation: Promise<T>) => operation },
      random: () => 0.5,
      log: (level: string, event: string, { session }: { readonly session?: string }) => void (level === 'debug' || logged.push([level, event, session])),
      meter: nothing,
    },
    holder: 'me',
    notes: {
      of: async () => notes,
      listen: (_: string, listener: typeof onNote) => {
        onNote = listener
        return nothing
      },
      topicOf: () => 'note',
      write: async () => undefined,
    },
    control: {
      connection: { publish: ({ topic }: { readonly topic: string }) => void asked.push(topic) },
      listen: () => nothing,
      subscribe: async () => nothing,
    },
    dialer: { dial: async () => connection },
    receiveMaximum: () => 10,
    onRestored: nothing,
    onRetry: nothing,
    onDropped: nothing,
  }
  return {
    members: new Members(names, host as unknown as KeeperHost),
    logged,
    asked,
    pass: async (ms) => {
      for (const end = nowMs + ms; nowMs < end; nowMs += 50) {
        for (const one of timers) if (one.atMs <= nowMs && timers.delete(one)) one.wake()
        await new Promise(setImmediate)
      }
    },
    free: (index) => {
      notes.set(index, { holder: undefined })
      onNote(index)
    },
  }
}

it('says that it has the session of a process that has died, when that one’s will has come', async () => {
  const { members, logged, pass, free } = waiting(60_000)
  await members.start()
  free(0)
  await pass(500)
  expect(logged).toEqual([['info', 'session:taken', 's-0']])
  await members.stop()
})

it('warns when it takes the sessions of a process of which nothing is heard', async () => {
  const { members, logged, pass } = waiting(60_000)
  await members.start()
  await pass(29_000)
  expect(logged).toEqual([])
  await pass(5_000)
  expect(logged).toEqual([
    ['warn', 'session:taken', 's-0'],
    ['warn', 'session:taken', 's-1'],
  ])
  await members.stop()
})

it('warns when it takes a session whose holder was asked for it and does not answer', async () => {
  const { members, logged, asked, pass } = waiting(5_000)
  await members.start()
  expect(asked).toEqual(['notes/asks/s/1'])
  await pass(7_500)
  expect(logged).toEqual([])
  await pass(3_000)
  expect(logged).toEqual([['warn', 'session:seized', 's-1']])
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
