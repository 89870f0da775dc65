import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '@busbar/core'
import type { BrokerError, Delivery, Intake, Link, Services } from '@busbar/core/driver'
import { afterEach, expect, it, vi } from 'vitest'
import { sqs } from './sqs-driver.ts'
import { endpoint, outgoing } from './test-support/fake-sqs.ts'

const never = new AbortController().signal
const services: Services = { clock: systemClock, random: () => 0.5, log: () => undefined, meter: () => undefined }
const md5OfHello = '5d41402abc4b2a76b9719d911017c592'
const md5OfAnother = '0cc175b9c0f1b6a831c399e269772661'

let server: Server
let link: Link

afterEach(async () => {
  await link.close()
  server.closeAllConnections()
  server.close()
})

/** A service whose first answer to a send or a receive tells the MD5 of `hello`, and whose later ones that of another body. */
async function connect(): Promise<void> {
  const answered: string[] = []
  const answerTo = (name: string): object => {
    const md5 = answered.includes(name) ? md5OfAnother : md5OfHello
    answered.push(name)
    if (name === 'GetQueueUrl') return { QueueUrl: 'http://127.0.0.1/123456789012/orders' }
    if (name === 'SendMessageBatch') return { Successful: [{ Id: '0', MessageId: 'sqs-0', MD5OfMessageBody: md5 }] }
    if (name === 'ReceiveMessage') return { Messages: [{ MessageId: `m-${answered.length}`, ReceiptHandle: 'r', Body: 'hello', MD5OfBody: md5 }] }
    return {}
  }
  server = createServer((request, response) => {
    const name = String(request.headers['x-amz-target']).replace('AmazonSQS.', '')
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/x-amz-json-1.0')
      response.end(JSON.stringify(answerTo(name)))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const credentials = { accessKeyId: 'a', secretAccessKey: 's' }
  link = await sqs({ region: 'eu-central-1', endpoint: `http://127.0.0.1:${port}`, credentials }).connect(services, never)
}

it('does not confirm a message of which SQS tells the MD5 of another body, in no call', async () => {
  await connect()
  const sender = link.sender(endpoint())
  expect(await sender.send([outgoing()], never)).toMatchObject([{ ok: true }])
  expect(await sender.send([outgoing()], never)).toMatchObject([{ ok: false, stored: 'unknown', error: { code: 'ERR_UNAVAILABLE' } }])
})

it('delivers no message whose body is not the one that SQS tells the MD5 of, in no call', async () => {
  await connect()
  if (link.receiver === false) throw new TypeError('a queue can be received from')
  const delivered: Delivery[] = []
  const errors: BrokerError[] = []
  const intake: Intake = {
    deliver: (deliveries) => void delivered.push(...deliveries),
    lost: () => undefined,
    revoke: async () => undefined,
    failed: (error) => void errors.push(error),
    recovered: () => undefined,
  }
  const receiver = link.receiver(endpoint(), intake, { messages: 100, bytes: 100_000_000 })
  await receiver.start()
  await vi.waitFor(() => expect(errors.length).toBeGreaterThan(0))
  await receiver.pause()
  expect(delivered).toHaveLength(1)
  expect(errors[0]?.message).toContain('Invalid MD5 checksum')
})
