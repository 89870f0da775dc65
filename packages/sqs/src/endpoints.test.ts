import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Services } from '@busbar/core/driver'
import { afterEach, expect, it, vi } from 'vitest'
import { sqs } from './sqs-driver.ts'
import { endpoint, FakeSqs, outgoing } from './test-support/fake-sqs.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

const { clock } = new FakeSqs()
const services: Services = { clock, random: Math.random, log: () => undefined, meter: () => undefined }
const credentials = { accessKeyId: 'a', secretAccessKey: 's' }
const never = new AbortController().signal

it('sends nothing in clear text to an endpoint that the environment names, unless that is allowed', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL_SQS', 'http://sqs.example.invalid')
  const link = await sqs({ region: 'eu-central-1', credentials }).connect(services, never)
  const refused = { code: 'ERR_CONFIGURATION', retryable: false, message: expect.stringContaining('clear text') }
  await expect(link.inspect(endpoint(), never)).rejects.toMatchObject(refused)
  expect(await link.sender(endpoint()).send([outgoing()], never)).toMatchObject([{ ok: false, stored: 'no', error: refused }])
  await link.close()
  const allowed = await sqs({ region: 'eu-central-1', credentials, allowPlaintext: true }).connect(services, never)
  await expect(allowed.inspect(endpoint(), never)).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
  await allowed.close()
})

it('goes to the endpoint that the environment names with all calls, whatever host the URLs of queues have, and says nothing on the console', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const arrived: string[] = []
  const server = createServer((request, response) => {
    arrived.push(String(request.headers['x-amz-target']).replace('AmazonSQS.', ''))
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/x-amz-json-1.0')
      // As LocalStack names queues, and the service those that are asked for by way of a private endpoint.
      response.end(JSON.stringify({ QueueUrl: 'http://sqs.eu-central-1.emulator.invalid:4566/000000000000/orders', Attributes: {} }))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  vi.stubEnv('AWS_ENDPOINT_URL_SQS', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const link = await sqs({ region: 'eu-central-1', credentials }).connect(services, never)
  await link.inspect(endpoint(), never)
  await link.close()
  server.close()
  expect([arrived, warn.mock.calls]).toEqual([['GetQueueUrl', 'GetQueueAttributes'], []])
})
