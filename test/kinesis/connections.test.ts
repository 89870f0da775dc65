import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '@busbar/core'
import type { Endpoint, Services } from '@busbar/core/driver'
import { kinesis } from '@busbar/kinesis'
import { afterAll, expect, it } from 'vitest'
import { region } from './support/read-stream.ts'

let connections = 0
const server = createServer((request, response) => {
  request.resume()
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' })
  response.end(JSON.stringify({ StreamDescriptionSummary: { StreamStatus: 'ACTIVE' } }))
})
server.on('connection', () => connections++)
server.listen(0, '127.0.0.1')
await once(server, 'listening')
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const positions: Endpoint = { destination: 'positions', kind: 'stream', name: 'positions', keyed: false, maxAttempts: 0, options: {} }

it('calls go over connections that are kept', async () => {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const services: Services = { clock: systemClock, random: Math.random, log: () => undefined, meter: () => undefined }
  const never = new AbortController().signal
  const link = await kinesis({ endpoint, region, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }).connect(services, never)
  for (let call = 0; call < 20; call++) await link.inspect(positions, never)
  expect(connections).toBe(1)
  await Promise.all(Array.from({ length: 200 }, () => link.inspect(positions, never)))
  expect(connections).toBeLessThanOrEqual(64)
  await link.close()
})
