import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { startProxy } from './proxy.ts'
import type { FaultProxy } from './proxy.ts'

let server: Server
let proxy: FaultProxy
let accepted: Socket[]
let chunks: Buffer[]
let clients: Socket[]

beforeEach(async () => {
  accepted = []
  clients = []
  chunks = []
  server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket)
    socket.on('data', (data) => chunks.push(data))
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await startProxy((server.address() as AddressInfo).port)
})

afterEach(async () => {
  await proxy.close()
  for (const socket of [...accepted, ...clients]) socket.destroy()
  server.close()
})

const received = (): string => Buffer.concat(chunks).toString()
const receivedBytes = (): number => chunks.reduce((sum, { length }) => sum + length, 0)

async function open(): Promise<[Socket, Socket]> {
  const count = accepted.length
  const client = connect(proxy.port, '127.0.0.1')
  clients.push(client)
  client.on('error', () => {})
  await vi.waitUntil(() => accepted.length > count)
  return [client, accepted[count] as Socket]
}

it('carries bytes and ends in both directions', async () => {
  const [client, broker] = await open()
  client.end('ping')
  await once(broker, 'end')
  expect(received()).toBe('ping')
  broker.end('pong')
  expect(String(await once(client, 'data'))).toBe('pong')
  await vi.waitUntil(() => proxy.connections === 0)
  expect(proxy.accepted).toBe(1)
})

it('cuts with FIN and resets with RST', async () => {
  const [client, broker] = await open()
  const ends = [once(client, 'end'), once(broker, 'end')]
  proxy.cut()
  await Promise.all(ends)
  const [other] = await open()
  const error = once(other, 'error')
  proxy.reset()
  expect((await error)[0]).toMatchObject({ code: 'ECONNRESET' })
})

it('tells nobody anything while frozen, not even that the other side is gone', async () => {
  const [client, broker] = await open()
  const seen = vi.fn()
  for (const event of ['data', 'end', 'close'] as const) client.on(event, seen)
  proxy.freeze('down')
  broker.write('late')
  broker.resetAndDestroy()
  client.write('up still flows')
  await sleep(100)
  expect(seen).not.toHaveBeenCalled()
  proxy.thaw()
  await vi.waitUntil(() => seen.mock.calls.length > 0)
})

it('holds the bytes of a frozen direction until the thaw', async () => {
  const [client] = await open()
  proxy.freeze('up')
  client.write('one')
  await sleep(50)
  expect(receivedBytes()).toBe(0)
  proxy.thaw()
  await vi.waitUntil(() => received() === 'one')
})

it('stops reading while frozen, so that the sender feels it', async () => {
  const [client] = await open()
  proxy.freeze('up')
  client.write(Buffer.alloc(32 * 1024 * 1024))
  await sleep(100)
  expect(client.writableLength).toBeGreaterThan(0)
  proxy.thaw()
  await vi.waitUntil(() => receivedBytes() === 32 * 1024 * 1024, { timeout: 5_000 })
})

it('accepts and says nothing to connections made while frozen', async () => {
  proxy.freeze('both')
  const client = connect(proxy.port, '127.0.0.1')
  clients.push(client)
  await once(client, 'connect')
  client.write('hello')
  await sleep(50)
  expect(receivedBytes()).toBe(0)
})

it('resets new connections while it refuses', async () => {
  proxy.refuse(true)
  const client = connect(proxy.port, '127.0.0.1')
  await once(client, 'error')
  proxy.refuse(false)
  await open()
})

it('cuts inside a frame after so many bytes, all of which arrive', async () => {
  const [client] = await open()
  const cut = proxy.cutAfterBytes(5)
  client.write('123')
  client.write('456789')
  await cut
  await once(client, 'end')
  await vi.waitUntil(() => received() === '12345')
})

it('delays and limits the rate', async () => {
  const [client] = await open()
  proxy.delayMs = 60
  const start = performance.now()
  client.write('x')
  await vi.waitUntil(() => receivedBytes() === 1, { interval: 5 })
  expect(performance.now() - start).toBeGreaterThan(55)
  proxy.delayMs = 0
  proxy.bytesPerSecond = 10_000
  client.write(Buffer.alloc(2_000))
  await vi.waitUntil(() => receivedBytes() === 2_001, { interval: 5 })
  expect(performance.now() - start).toBeGreaterThan(200)
})
