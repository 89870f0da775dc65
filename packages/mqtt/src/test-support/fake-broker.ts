import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { generate, parser, type IConnackPacket, type IConnectPacket, type IPublishPacket, type ISubscribePacket, type Packet } from 'mqtt-packet'

/** What the broker keeps of a client. */
export interface FakeSession {
  readonly filters: Set<string>
  /** While the client is connected. */
  send: ((packet: Packet) => void) | undefined
}

export interface FakeBroker {
  readonly url: string
  /** By client id. */
  readonly sessions: Map<string, FakeSession>
  /** By topic. */
  readonly retained: Map<string, string>
  /** All that was received, in order. */
  readonly received: { readonly clientId: string; readonly packet: Packet }[]
  /** Bytes that clients leave unread, beside what the network holds. */
  readonly unread: () => number
  readonly close: () => void
}

/** Called before the broker does anything with a packet. True: it is dealt with. */
export type Hook = (clientId: string, packet: Packet, send: (packet: Packet) => void) => boolean

/** A broker that does what a test needs, and on request something else: what a real one does seldom, or does wrong. `properties`: of CONNACK. */
export async function fakeBroker(
  protocolVersion: 5 | 4,
  hook: Hook = () => false,
  properties: NonNullable<IConnackPacket['properties']> = {},
): Promise<FakeBroker> {
  const sockets = new Set<Socket>()
  const state = { sessions: new Map<string, FakeSession>(), retained: new Map<string, string>(), received: [] as { clientId: string; packet: Packet }[] }
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    let clientId = ''
    const send = (packet: Packet): void => {
      if (socket.writable) socket.write(generate(packet, { protocolVersion }))
      if (packet.cmd === 'disconnect') socket.end()
    }
    const reader = parser({ protocolVersion })
    reader.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connect') clientId = packet.clientId
      state.received.push({ clientId, packet })
      if (!hook(clientId, packet, send)) answer({ ...state, properties }, clientId, packet, send)
      if (packet.cmd === 'disconnect') socket.end()
    })
    socket.on('data', (bytes) => reader.parse(bytes))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = (): void => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  const unread = (): number => [...sockets].reduce((sum, { writableLength }) => sum + writableLength, 0)
  return { ...state, unread, url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

interface State extends Pick<FakeBroker, 'sessions' | 'retained'> {
  readonly properties: NonNullable<IConnackPacket['properties']>
}

function answer(state: State, clientId: string, packet: Packet, send: (packet: Packet) => void): void {
  const { messageId = 0 } = packet
  if (packet.cmd === 'connect') return onConnect(state, packet, send)
  if (packet.cmd === 'subscribe') return onSubscribe(state, clientId, packet, send)
  if (packet.cmd === 'publish') return onPublish(state, packet, send)
  if (packet.cmd === 'unsubscribe') return send({ cmd: 'unsuback', messageId, granted: [0] } as unknown as Packet)
  if (packet.cmd === 'pingreq') send({ cmd: 'pingresp' })
}

function onConnect({ sessions, properties }: State, { clientId, clean }: IConnectPacket, send: (packet: Packet) => void): void {
  const kept = clean ? undefined : sessions.get(clientId)
  sessions.set(clientId, { filters: kept?.filters ?? new Set(), send })
  send({ cmd: 'connack', reasonCode: 0, returnCode: 0, sessionPresent: kept !== undefined, properties })
}

function onSubscribe({ sessions, retained }: State, clientId: string, packet: ISubscribePacket, send: (packet: Packet) => void): void {
  const { messageId = 0, subscriptions } = packet
  send({ cmd: 'suback', messageId, granted: subscriptions.map(({ qos }) => qos) })
  const filters = sessions.get(clientId)?.filters
  for (const { topic: filter, rh = 0 } of subscriptions) {
    const known = filters?.has(filter)
    filters?.add(filter)
    if (filter.startsWith('$share/') || (known && rh > 0)) continue
    for (const [topic, payload] of retained) if (matches(filter, topic)) send({ ...message(topic, payload), retain: true })
  }
}

function onPublish({ sessions, retained }: State, { topic, payload, qos, retain, messageId = 0 }: IPublishPacket, send: (packet: Packet) => void): void {
  if (qos > 0) send({ cmd: 'puback', messageId, reasonCode: 0 })
  const text = payload.toString()
  if (retain && text === '') retained.delete(topic)
  else if (retain) retained.set(topic, text)
  for (const session of sessions.values()) if ([...session.filters].some((filter) => matches(filter, topic))) session.send?.(message(topic, text))
}

let packetIds = 0

/** As the broker sends it to a subscriber. */
export function message(topic: string, payload: string, messageId: number = (++packetIds % 65_535) + 1): IPublishPacket {
  return { cmd: 'publish', topic, payload, qos: 1, dup: false, retain: false, messageId }
}

function matches(filter: string, topic: string): boolean {
  const plain = filter.replace(/^\$share\/[^/]+\//, '')
  return plain === topic || (plain.endsWith('/+') && topic.slice(0, topic.lastIndexOf('/')) === plain.slice(0, -2))
}
