import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Link, SendResult, Services, Timer } from '@busbar/core/driver'
import { generate, parser, type Packet } from 'mqtt-packet'
import { afterEach, expect, it } from 'vitest'
import { parseAddress } from '../address.ts'
import { mqtt } from '../mqtt-driver.ts'
import { resolveOptions } from '../options.ts'
import { fakeBroker, type Hook } from '../test-support/fake-broker.ts'
import { endpoint, outgoing } from '../test-support/messages.ts'
import { never, services } from '../test-support/services.ts'
import { Connection } from './connection.ts'

const closers: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

/** A link to a broker that answers as it is told. */
async function linkTo(answer: (packet: Packet) => Packet | undefined, given: Services = services): Promise<Link> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    const reader = parser({ protocolVersion: 5 })
    reader.on('packet', (packet: Packet) => {
      const reply = packet.cmd === 'connect' ? ({ cmd: 'connack', reasonCode: 0, sessionPresent: false } as const) : answer(packet)
      if (reply !== undefined) socket.write(generate(reply, { protocolVersion: 5 }))
    })
    socket.on('data', (bytes) => reader.parse(bytes))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const link = await mqtt({ url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, timeoutMs: 500 }).connect(given, never)
  closers.push(() => link.close())
  return link
}

async function sent(reasonCode: number, options: Readonly<Record<string, unknown>> = {}): Promise<SendResult | undefined> {
  const link = await linkTo((packet) =>
    packet.cmd === 'publish' && packet.messageId !== undefined ? { cmd: 'puback', messageId: packet.messageId, reasonCode } : undefined,
  )
  const [result] = await link.sender(endpoint({ kind: 'topic', options })).send([outgoing()], never)
  return result
}

it.each([
  [0x80, 'ERR_UNAVAILABLE', true],
  [0x83, 'ERR_UNAVAILABLE', true],
  [0x87, 'ERR_ACCESS_DENIED', false],
  [0x90, 'ERR_INVALID', false],
  [0x97, 'ERR_THROTTLED', true],
  [0x99, 'ERR_INVALID', false],
])('maps the reason code %s of PUBACK', async (reasonCode, code, retryable) => {
  expect(await sent(reasonCode)).toMatchObject({ ok: false, stored: 'no', error: { code, retryable } })
})

it.each([
  [4, 1, 'ERR_CONFIGURATION', false],
  [4, 2, 'ERR_CONFIGURATION', false],
  [4, 3, 'ERR_UNAVAILABLE', true],
  [4, 4, 'ERR_ACCESS_DENIED', false],
  [4, 5, 'ERR_ACCESS_DENIED', false],
  [4, 77, 'ERR_UNAVAILABLE', true],
  [5, 0x84, 'ERR_CONFIGURATION', false],
  [5, 0x85, 'ERR_CONFIGURATION', false],
  [5, 0x86, 'ERR_ACCESS_DENIED', false],
  [5, 0x87, 'ERR_ACCESS_DENIED', false],
  [5, 0x88, 'ERR_UNAVAILABLE', true],
  [5, 0x89, 'ERR_THROTTLED', true],
  [5, 0x8a, 'ERR_ACCESS_DENIED', false],
  [5, 0x9d, 'ERR_CONFIGURATION', false],
  [5, 0x9f, 'ERR_THROTTLED', true],
] as const)('MQTT %s: maps the code %s of a connection that is refused', async (protocolVersion, answer, code, retryable) => {
  const refuse: Hook = (_, packet, send) => {
    if (packet.cmd === 'connect') send({ cmd: 'connack', reasonCode: answer, returnCode: answer, sessionPresent: false })
    return packet.cmd === 'connect'
  }
  const broker = await fakeBroker(protocolVersion, refuse)
  closers.push(() => broker.close())
  const connecting = mqtt({ url: broker.url, protocolVersion, timeoutMs: 500 }).connect(services, never)
  await expect(connecting).rejects.toMatchObject({ code, retryable, message: expect.stringContaining(`(code ${answer})`) as string })
})

it('leaves no timer when it is closed', async () => {
  const running = new Set<Timer>()
  const timer: Services['clock']['timer'] = (atMs, wake) => {
    const inner = services.clock.timer(atMs, () => running.delete(outer) && wake())
    const outer: Timer = { cancel: () => void (running.delete(outer) && inner.cancel()) }
    running.add(outer)
    return outer
  }
  const link = await linkTo(() => undefined, { ...services, clock: { ...services.clock, timer } })
  expect(running.size).toBeGreaterThan(0)
  await link.close()
  expect(running.size).toBe(0)
})

it('takes "no matching subscribers" for all is well, unless the route is mandatory', async () => {
  expect(await sent(0x10)).toEqual({ ok: true })
  expect(await sent(0x10, { mandatory: true })).toMatchObject({ ok: false, stored: 'no', error: { code: 'ERR_UNROUTABLE' } })
})

it('takes no subscription of less quality than it has asked for', async () => {
  const link = await linkTo((packet) => (packet.cmd === 'subscribe' ? { cmd: 'suback', messageId: packet.messageId ?? 0, granted: [0] } : undefined))
  await expect(link.inspect(endpoint({ kind: 'topic', subscription: { name: 's' } }), never)).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' })
})

it('says which code a subscription was refused with', async () => {
  const link = await linkTo((packet) => (packet.cmd === 'subscribe' ? { cmd: 'suback', messageId: packet.messageId ?? 0, granted: [0x87] } : undefined))
  await expect(link.inspect(endpoint({ kind: 'topic', subscription: { name: 's' } }), never)).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED' })
})

it('gives up a broker that takes messages and never answers for them', async () => {
  const link = await linkTo(() => undefined)
  const [result] = await link.sender(endpoint({ kind: 'topic' })).send([outgoing()], never)
  expect(result).toMatchObject({ ok: false, stored: 'unknown', error: { code: 'ERR_UNCONFIRMED', retryable: true } })
})

it('takes nothing more of what a broker sends while it is being closed, and reads it all the same, so that its acks arrive', async () => {
  const messages = 2_000
  const broker = await fakeBroker(5, (_clientId, packet, send) => {
    if (packet.cmd !== 'disconnect') return false
    for (let messageId = 1; messageId <= messages; messageId++) {
      send({ cmd: 'publish', topic: 'news', payload: Buffer.alloc(1_024), qos: 1, messageId, dup: false, retain: false })
    }
    return true
  })
  closers.push(() => broker.close())
  let taken = 0
  const onMessage = (): boolean => ++taken > 0
  const request = { clientId: 'reader', persistent: true, onMessage }
  const connection = await Connection.open(parseAddress(broker.url, false), request, resolveOptions({ url: broker.url, timeoutMs: 5_000 }), services, never)
  connection.hold()
  connection.acknowledge([1, 2, 3])
  const beganAt = performance.now()
  await connection.close()
  expect(performance.now() - beganAt).toBeLessThan(4_000)
  expect(taken).toBe(0)
  expect(broker.received.map(({ packet }) => packet.cmd)).toEqual(['connect', 'puback', 'puback', 'puback', 'disconnect'])
})

it('opens a WebSocket at the path of its URL', async () => {
  const asked: (string | undefined)[] = []
  const server = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .once('data', (bytes) => {
        asked.push(bytes.toString().split('\r\n', 1)[0])
        socket.destroy()
      })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => void server.close())
  const { port } = server.address() as AddressInfo
  await expect(mqtt({ url: `ws://127.0.0.1:${port}/some/path`, timeoutMs: 500 }).connect(services, never)).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
  expect(asked).toEqual(['GET /some/path HTTP/1.1'])
})

it('says of a key that is none that this is how it was set up, which no further attempt changes', async () => {
  const driver = mqtt({ url: 'mqtts://127.0.0.1:1', tls: { key: 'no key' }, timeoutMs: 500 })
  await expect(driver.connect(services, never)).rejects.toMatchObject({ code: 'ERR_CONFIGURATION', retryable: false })
})
