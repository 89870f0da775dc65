import type { ServerResponse } from 'node:http'
import type { Delivery, Intake, Link, SendResult, Services } from '@busbar/core/driver'
import { expect, it, vi } from 'vitest'
import { sqs } from './sqs-driver.ts'
import { endpoint, outgoing } from './test-support/fake-sqs.ts'
import { httpService, type HttpService } from './test-support/http-service.ts'
import { ManualClock } from './test-support/manual-clock.ts'

const never = new AbortController().signal

interface Service {
  readonly service: HttpService
  readonly answerReceives: () => void
}

/** Takes every message, has one queue and nothing in it. A receive waits until it is told, or its socket is ended. */
async function serve(): Promise<Service> {
  const waiting: ServerResponse[] = []
  const taken = { Successful: [{ Id: '0', MessageId: 'sqs-0', MD5OfMessageBody: '5d41402abc4b2a76b9719d911017c592' }] }
  const service = await httpService((name, response) => {
    if (name === 'ReceiveMessage') waiting.push(response)
    else response.end(JSON.stringify(taken))
  })
  return { service, answerReceives: () => waiting.forEach((response) => response.end('{}')) }
}

/** Has to be asked for every call, since what it gives ends soon, and answers when it may. */
class Credentials {
  #open = Promise.resolve()
  #release: (() => void) | undefined
  asked = 0

  readonly provide = async (): Promise<{ accessKeyId: string; secretAccessKey: string; expiration: Date }> => {
    this.asked++
    await this.#open
    return { accessKeyId: 'a', secretAccessKey: 's', expiration: new Date(Date.now() + 60_000) }
  }

  hang(): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#open = promise
    this.#release = resolve
  }

  come(): void {
    this.#release?.()
    this.#open = Promise.resolve()
  }
}

async function linkTo(url: string, credentials: Credentials, clock: ManualClock): Promise<Link> {
  const services: Services = { clock, random: () => 0.5, log: () => undefined, meter: () => undefined }
  const driver = sqs({ region: 'eu-central-1', endpoint: url, credentials: credentials.provide, timeoutMs: 1_000, waitTimeMs: 1_000 })
  return driver.connect(services, never)
}

class QuietIntake implements Intake {
  failures = 0
  deliver(_deliveries: readonly Delivery[]): void {
    throw new Error('there are no messages')
  }
  lost(): void {}
  async revoke(): Promise<void> {}
  failed(): void {
    this.failures++
  }
  recovered(): void {}
}

it('sends nothing that was given up while it waited for credentials: when they come, core has sent it again', async () => {
  await using service = (await serve()).service
  const { url, arrived } = service
  const [credentials, clock] = [new Credentials(), new ManualClock()]
  const link = await linkTo(url, credentials, clock)
  const sender = link.sender(endpoint())
  expect(await sender.send([outgoing()], never)).toMatchObject([{ ok: true }])
  credentials.hang()
  const results: Promise<readonly SendResult[]>[] = []
  for (let times = 0; times < 3; times++) {
    results.push(sender.send([outgoing()], never))
    await clock.advance(1_000)
  }
  expect((await Promise.all(results)).flat()).toMatchObject([0, 1, 2].map(() => ({ ok: false, error: { code: 'ERR_UNAVAILABLE' } })))
  credentials.come()
  for (let times = 0; times < 3; times++) expect(await sender.send([outgoing()], never)).toMatchObject([{ ok: true }])
  expect(arrived('SendMessageBatch')).toBe(4)
  await link.close()
})

it('makes no receive that was given up while it waited for credentials: what it took would be hidden for a lease', async () => {
  await using service = (await serve()).service
  const { url, arrived } = service
  const [credentials, clock] = [new Credentials(), new ManualClock()]
  const link = await linkTo(url, credentials, clock)
  if (link.receiver === false) throw new TypeError('a queue can be received from')
  const intake = new QuietIntake()
  const receiver = link.receiver(endpoint(), intake, { messages: 100, bytes: 100_000_000 })
  const asked = credentials.asked
  credentials.hang()
  const starting = receiver.start()
  await vi.waitFor(() => expect(credentials.asked).toBeGreaterThan(asked))
  credentials.come()
  await starting
  await vi.waitFor(() => expect(arrived('ReceiveMessage')).toBe(1))
  credentials.hang()
  while (intake.failures < 4) await clock.advance(1_000)
  credentials.come()
  await vi.waitFor(async () => {
    await clock.advance(100)
    expect(arrived('ReceiveMessage')).toBeGreaterThan(1)
  })
  // What is sent after them arrives after them.
  for (let times = 0; times < 3; times++) expect(await link.sender(endpoint()).send([outgoing()], never)).toMatchObject([{ ok: true }])
  expect(arrived('ReceiveMessage')).toBe(2)
  await receiver.pause()
  await link.close()
})

it.each(['first', 'later'])('makes no %s receive of a line that waited for credentials when receiving was ended', async (which) => {
  const { service: running, answerReceives } = await serve()
  await using service = running
  const { url, arrived } = service
  const [credentials, clock] = [new Credentials(), new ManualClock()]
  const link = await linkTo(url, credentials, clock)
  if (link.receiver === false) throw new TypeError('a queue can be received from')
  const receiver = link.receiver(endpoint(), new QuietIntake(), { messages: 100, bytes: 100_000_000 })
  await receiver.start()
  await vi.waitFor(() => expect(arrived('ReceiveMessage')).toBe(1))
  if (which === 'first') await receiver.pause()
  credentials.hang()
  const { asked } = credentials
  if (which === 'first') await receiver.resume()
  else answerReceives()
  await vi.waitFor(() => expect(credentials.asked).toBeGreaterThan(asked))
  await receiver.pause()
  credentials.come()
  // What is sent after it arrives after it.
  for (let times = 0; times < 3; times++) expect(await link.sender(endpoint()).send([outgoing()], never)).toMatchObject([{ ok: true }])
  expect(arrived('ReceiveMessage')).toBe(1)
  await link.close()
})
