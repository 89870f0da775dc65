import { systemClock } from '@busbar/core'
import type { BrokerError, Delivery, Intake, Link, Services } from '@busbar/core/driver'
import { expect, it, vi } from 'vitest'
import { sqs } from './sqs-driver.ts'
import { endpoint, outgoing } from './test-support/fake-sqs.ts'
import { httpService, type HttpService } from './test-support/http-service.ts'

const never = new AbortController().signal
const services: Services = { clock: systemClock, random: () => 0.5, log: () => undefined, meter: () => undefined }
const md5OfHello = '5d41402abc4b2a76b9719d911017c592'
const md5OfAnother = '0cc175b9c0f1b6a831c399e269772661'

/** A service whose first answer to a send or a receive tells the MD5 of `hello`, and whose later ones that of another body. */
function serve(): Promise<HttpService> {
  const answered = new Set<string>()
  return httpService((name, response) => {
    const md5 = answered.has(name) ? md5OfAnother : md5OfHello
    answered.add(name)
    const sent = { Successful: [{ Id: '0', MessageId: 'sqs-0', MD5OfMessageBody: md5 }] }
    const received = { Messages: [{ MessageId: `m-${md5}`, ReceiptHandle: 'r', Body: 'hello', MD5OfBody: md5 }] }
    response.end(JSON.stringify(name === 'ReceiveMessage' ? received : sent))
  })
}

function connect({ url }: HttpService): Promise<Link> {
  const credentials = { accessKeyId: 'a', secretAccessKey: 's' }
  return sqs({ region: 'eu-central-1', endpoint: url, credentials }).connect(services, never)
}

it('does not confirm a message of which SQS tells the MD5 of another body, in no call', async () => {
  await using service = await serve()
  const link = await connect(service)
  const sender = link.sender(endpoint())
  expect(await sender.send([outgoing()], never)).toMatchObject([{ ok: true }])
  expect(await sender.send([outgoing()], never)).toMatchObject([{ ok: false, stored: 'unknown', error: { code: 'ERR_UNAVAILABLE' } }])
  await link.close()
})

it('delivers no message whose body is not the one that SQS tells the MD5 of, in no call', async () => {
  await using service = await serve()
  const link = await connect(service)
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
  await link.close()
  expect(delivered).toHaveLength(1)
  expect(errors[0]?.message).toContain('Invalid MD5 checksum')
})
