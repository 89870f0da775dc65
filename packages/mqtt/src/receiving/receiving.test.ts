import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { BrokerError } from '@busbar/core/driver'
import type { Connection, ConnectionEvents } from '../connection/connection.ts'
import { mqttError } from '../errors.ts'
import type { ReceivedPacket } from '../message/packet.ts'
import type { Note } from '../provisioning/notes.ts'
import { services } from '../test-support/services.ts'
import { Contention, settledMs } from './contention.ts'
import type { MqttDelivery } from './delivery.ts'
import { Inbox } from './inbox.ts'
import { Presence } from './presence.ts'
import { Session, type SessionHost } from './session.ts'
import { SessionScope } from './session-scope.ts'

/** As much of a connection as a scope needs. */
function connectionOf(open = true): { readonly connection: Connection; readonly acked: number[][]; readonly setOpen: () => void } {
  const acked: number[][] = []
  const fake = { open, acknowledge: (ids: readonly number[]) => void acked.push([...ids]) }
  return { connection: fake as unknown as Connection, acked, setOpen: () => void (fake.open = true) }
}

function packet(messageId: number, parts: Partial<ReceivedPacket> = {}): ReceivedPacket {
  return { topic: 't', payload: Buffer.from('12345'), qos: 1, dup: false, retain: false, messageId, ...parts }
}

function received(scope: SessionScope, given: ReceivedPacket): MqttDelivery {
  const delivery = scope.receive(given, false)
  if (delivery === undefined) throw new Error('taken for a copy')
  return delivery
}

describe('SessionScope', () => {
  it('acks in the order of receipt, whatever the order of settling', () => {
    const { connection, acked } = connectionOf()
    const scope = new SessionScope('s', connection)
    const deliveries = [7, 9, 8].map((id) => received(scope, packet(id)))
    for (const delivery of deliveries) scope.hand(delivery)
    for (const index of [2, 1]) expect(scope.ack(deliveries[index]!)).toBe(true)
    scope.flush()
    expect([acked, scope.handed, scope.handedBytes]).toEqual([[], 3, 15])
    scope.ack(deliveries[0]!)
    scope.flush()
    expect([acked, scope.handed, scope.handedBytes]).toEqual([[[7, 9, 8]], 0, 0])
  })

  it('takes a second ack, and one after its end, for too late', () => {
    const { connection, acked } = connectionOf()
    const scope = new SessionScope('s', connection)
    const [one, two] = [received(scope, packet(1)), received(scope, packet(2))]
    expect([scope.ack(one), scope.ack(one)]).toEqual([true, false])
    scope.close()
    expect(scope.ack(two)).toBe(false)
    scope.flush()
    expect(acked).toEqual([])
  })

  it('keeps acks until the connection is open', () => {
    const { connection, acked, setOpen } = connectionOf(false)
    const scope = new SessionScope('s', connection)
    scope.ack(received(scope, packet(1)))
    scope.flush()
    expect([acked, scope.unsent]).toEqual([[], 1])
    setOpen()
    scope.flush()
    expect([acked, scope.unsent]).toEqual([[[1]], 0])
  })

  it('takes what is sent again before it was acked for a copy, and the next message of the same identifier for a message', () => {
    const { connection, acked } = connectionOf()
    const scope = new SessionScope('s', connection)
    const first = received(scope, packet(5))
    expect(scope.receive(packet(5, { dup: true }), false)).toBeUndefined()
    scope.ack(first)
    expect(scope.receive(packet(5, { dup: true }), false)).toBeUndefined()
    scope.flush()
    received(scope, packet(5))
    scope.flush()
    expect(acked).toEqual([[5]])
    // What another connection was sent before.
    received(scope, packet(6, { dup: true }))
    // Quality 0 has no identifier.
    for (let time = 0; time < 2; time++) received(scope, packet(0, { qos: 0, dup: true }))
  })

  it('does not ack what the broker has done with: its identifier stands for the next message by now', () => {
    const { connection, acked } = connectionOf()
    const scope = new SessionScope('s', connection)
    scope.ack(received(scope, packet(5)))
    scope.flush()
    // Sent again before our ack was there; then comes another message.
    const [copy, next] = [received(scope, packet(5, { dup: true })), received(scope, packet(5))]
    scope.ack(copy)
    scope.flush()
    expect(acked).toEqual([[5], []])
    expect(scope.receive(packet(5, { dup: true }), false)).toBeUndefined()
    scope.ack(next)
    scope.flush()
    expect(acked).toEqual([[5], [], [5]])
  })

  it('acks nothing of quality 0, which waits for nobody', () => {
    const { connection, acked } = connectionOf()
    const scope = new SessionScope('s', connection)
    const first = received(scope, packet(1))
    const none = received(scope, packet(0, { qos: 0 }))
    for (const delivery of [first, none]) scope.hand(delivery)
    expect(scope.ack(none)).toBe(true)
    scope.flush()
    expect([acked, scope.handed]).toEqual([[], 1])
  })
})

describe('Inbox', () => {
  const wide = { messages: 100, bytes: 100 }

  it('hands over what there is room for, in order, and one message however large', () => {
    const scope = new SessionScope('s', connectionOf().connection)
    const inbox = new Inbox()
    const all = [1, 2, 3, 4].map((id) => received(scope, packet(id)))
    for (const delivery of all) inbox.add(delivery)
    expect(inbox.take({ messages: 100, bytes: 1 }, 0, 0)).toEqual([all[0]])
    expect(inbox.take({ messages: 2, bytes: 100 }, 1, 5)).toEqual([all[1]])
    expect(inbox.take({ messages: 2, bytes: 100 }, 2, 10)).toEqual([])
    expect(inbox.take({ messages: 100, bytes: 14 }, 1, 5)).toEqual([all[2]])
    expect([inbox.size, inbox.bytes]).toEqual([1, 5])
    expect(inbox.take(wide, 0, 0)).toEqual([all[3]])
    expect([inbox.size, inbox.bytes]).toEqual([0, 0])
  })

  it('forgets what is of connections that have ended, or are being given up', () => {
    const [ended, left, live] = [1, 2, 3].map(() => new SessionScope('s', connectionOf().connection)) as [SessionScope, SessionScope, SessionScope]
    const inbox = new Inbox()
    const deliveries = [ended, left, live, ended].map((scope, index) => received(scope, packet(index + 1)))
    for (const delivery of deliveries) inbox.add(delivery)
    ended.close()
    left.drop()
    inbox.dropDead()
    expect([inbox.size, inbox.bytes]).toEqual([1, 5])
    expect(inbox.take(wide, 0, 0)).toEqual([deliveries[2]])
  })
})

describe('Session', () => {
  it('connects to nothing when it cannot read its note, so that no connection is left over', async () => {
    let dialled = 0
    const host = {
      notes: { of: () => Promise.reject(new Error('no answer')) },
      dialer: { dial: () => Promise.reject(new Error(`dialled ${++dialled} times`)) },
    }
    const name = { clientId: 's-0', filter: 't', shared: false, members: 1, base: 's', index: 0 }
    await expect(new Session(name, host as unknown as SessionHost).start()).rejects.toThrow('no answer')
    expect(dialled).toBe(0)
  })
})

/** A session on connections that do nothing, with notes that the control connection brings late. Time passes at once. */
function sessionWith(
  holder: string | undefined,
  overrides: Partial<SessionHost> = {},
  subscribed: () => Promise<void> = async () => undefined,
): {
  readonly session: Session
  readonly lose: (error: Error) => void
  readonly outcome: Promise<string>
  readonly dialled: () => number
} {
  const notes = new Map<number, Note>()
  const { promise: outcome, resolve } = Promise.withResolvers<string>()
  const lost: ConnectionEvents[] = []
  const connection = {
    ...{ open: true, sessionPresent: true, facts: {}, subscribed, close: async () => undefined },
    kill: () => lost.at(-1)?.onLost(new Error('killed')),
    listen: (events: ConnectionEvents) => void lost.push(events),
  }
  const host = {
    ...{ holder: 'me', qos: 1, envelope: false, receiveMaximum: () => 1, onDelivery: () => undefined, onLost: () => undefined, onRetry: () => undefined },
    isFull: () => false,
    options: { protocolVersion: 5, reconnectMaxMs: 100, timeoutMs: 60_000 },
    services: { ...services, clock: { ...services.clock, timer: (_: number, wake: () => void) => services.clock.timer(0, wake) } },
    dialer: {
      // Something waits in the session.
      dial: async ({ onMessage }: { onMessage: (of: unknown, message: unknown) => void }) => {
        onMessage(connection, packet(1))
        return connection
      },
    },
    notes: { of: async () => notes, topicOf: () => 'note', listen: () => () => undefined, write: async () => undefined },
    control: {
      connection,
      whenConnected: async () => connection,
      roundTrip: async () => void notes.set(0, { filter: 't', members: 1, ...(holder === undefined ? {} : { holder }) }),
    },
    onRestored: () => resolve('restored'),
    onDisplaced: (_: Session, { code }: BrokerError) => resolve(code),
    ...overrides,
  }
  const name = { clientId: 's-0', filter: 't', shared: false, members: 1, base: 's', index: 0 }
  const session = new Session(name, host as unknown as SessionHost)
  return { session, lose: (error) => lost.at(-1)?.onLost(error), outcome, dialled: () => lost.length }
}

describe('Session that has lost its connection', () => {
  it('leaves it to the one who has noted it meanwhile, also when that note comes late', async () => {
    const { session, lose, outcome, dialled } = sessionWith('another')
    await session.start()
    lose(new Error('cut'))
    expect([await outcome, dialled()]).toEqual(['ERR_CONFLICT', 1])
  })

  it('tells that its subscription is refused, also when that comes long after it was opened, and is restored when it no longer is', async () => {
    const told: string[] = []
    let asked = 0
    const answers = async (): Promise<void> => {
      await setImmediate()
      if (++asked <= 6) throw mqttError('ERR_ACCESS_DENIED', 'not for you')
    }
    const host: Partial<SessionHost> = { isFull: () => true, onRetry: ({ code }) => void told.push(code) }
    const { session, outcome, dialled } = sessionWith(undefined, host, answers)
    await session.start()
    expect([await outcome, dialled(), told]).toEqual(['restored', 7, Array.from({ length: 6 }, () => 'ERR_ACCESS_DENIED')])
  })
})

describe('Presence', () => {
  it('asks those of whom nothing was heard for long, and gives up who does not answer', () => {
    let now = 1_000_000
    const clock = { now: () => now, monotonic: () => now, timer: () => ({ cancel: () => undefined }), external: <T>(operation: Promise<T>) => operation }
    const presence = new Presence(clock, 1_000)
    const states = (): readonly boolean[] => [presence.isSilent(0), presence.isGone(0), presence.isSilent(1), presence.isGone(1)]
    expect(states()).toEqual([false, false, false, false])
    now += 20_001
    expect(states()).toEqual([true, false, true, false])
    presence.heard(1)
    now += 10_000
    expect(states()).toEqual([true, true, false, false])
    presence.forget()
    expect(states()).toEqual([false, false, false, false])
  })
})

describe('Contention', () => {
  const [beside, another] = [connectionOf().connection, connectionOf().connection]

  it('is suspected after three short lives in a row beside a connection that goes on', () => {
    const contention = new Contention()
    for (let time = 1; time <= 3; time++) {
      contention.opened(1_000 * time, beside)
      contention.lost(1_000 * time + 500, beside)
      expect([contention.times, contention.suspected]).toEqual([time, time === 3])
    }
    contention.settled()
    expect(contention.suspected).toBe(false)
  })

  it('is not, when the other connection was lost too, or this one had lived', () => {
    const contention = new Contention()
    for (let time = 1; time <= 5; time++) {
      contention.opened(10_000 * time, beside)
      contention.lost(10_000 * time + (time % 2 === 0 ? settledMs : 0), time % 2 === 0 ? beside : another)
      expect(contention.times).toBe(0)
    }
  })
})
