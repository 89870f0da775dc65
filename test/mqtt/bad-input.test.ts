import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { createBroker, text, topic, type Broker } from '@busbar/core'
import { mqtt, type MqttOptions } from '@busbar/mqtt'
import { afterAll, describe, expect, it } from 'vitest'
import { FakeIntake, until } from '../amqp/support/intake.ts'
import { endpointOf, errorOf, messageOf, never, sendSurely, TestLink } from '../amqp/support/link.ts'
import { skipOrFail, startAedes, startMosquitto } from '../brokers/index.ts'
import { freePort } from '../brokers/core/ports.ts'
import { freshOptions } from './support/beds.ts'

const users = { alice: 'wonderland' }
const acl = ['user alice', 'topic readwrite #', 'topic deny closed/#']
const [guarded, small, aedes] = await Promise.all([
  startMosquitto({ users, acl }).then(skipOrFail),
  startMosquitto({ config: { max_packet_size: 20_000 } }).then(skipOrFail),
  startAedes(),
])
afterAll(async () => {
  await Promise.all([guarded, small, aedes].map(async (bed) => bed?.[Symbol.asyncDispose]()))
})

const open = (url: string, more: Partial<MqttOptions> = {}): ReturnType<typeof TestLink.over> =>
  TestLink.over(mqtt({ url, timeoutMs: 2_000, reconnectMaxMs: 300, ...freshOptions(), ...more }))

describe('a version that the broker does not speak', () => {
  it('is named with its remedy by aedes', async () => {
    expect(await errorOf(open(aedes.url))).toMatchObject({ code: 'ERR_CONFIGURATION', message: expect.stringContaining('protocolVersion') as string })
  })
})

describe('an address where nobody answers', () => {
  it('is unavailable, and may be tried again', async () => {
    expect(await errorOf(open(`mqtt://127.0.0.1:${await freePort()}`))).toMatchObject({ code: 'ERR_UNAVAILABLE', retryable: true })
  })

  it('is given up in time where connections are taken in silence', async () => {
    const silent = createServer(() => {})
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const began = performance.now()
    const error = await errorOf(open(`mqtt://127.0.0.1:${(silent.address() as AddressInfo).port}`, { timeoutMs: 500 }))
    expect(error).toMatchObject({ retryable: true })
    expect(performance.now() - began).toBeLessThan(1_500)
    silent.close()
  })
})

describe.skipIf(guarded === undefined).each([5, 4] as const)('a guarded broker, MQTT %s', (protocolVersion) => {
  const { url } = guarded as NonNullable<typeof guarded>

  it('refuses a wrong password for good, and the error does not tell it', async () => {
    const wrong = new URL(url)
    wrong.password = 'topsecret'
    const error = await errorOf(open(wrong.href, { protocolVersion }))
    expect(error).toMatchObject({ code: 'ERR_ACCESS_DENIED', retryable: false })
    expect(error.message).not.toContain('topsecret')
  })

  it('lets in who is named in the URL or beside it', async () => {
    await using _ = await open(url, { protocolVersion })
    const bare = new URL(url)
    bare.username = bare.password = ''
    await using __ = await open(bare.href, { protocolVersion, username: 'alice', password: 'wonderland' })
  })

  // MQTT 3.1.1 has no word for it.
  if (protocolVersion === 4) return

  it('refuses to send to what is not allowed', async () => {
    await using link = await open(url, { protocolVersion })
    const closed = endpointOf('closed/x', { kind: 'topic' })
    expect(await link.sender(closed).send([messageOf('x')], never)).toMatchObject([{ ok: false, error: { code: 'ERR_ACCESS_DENIED', retryable: false } }])
    // Mosquitto 2.0.11 closes the connection after that.
    await sendSurely(link.sender(endpointOf('open/x', { kind: 'topic' })), [messageOf('x')])
  })
})

describe.skipIf(small === undefined)('a broker with a limit for packets', () => {
  const { url } = small as NonNullable<typeof small>
  const news = topic('news', { codec: text })
  const brokerOf = (options: Partial<MqttOptions>): Broker =>
    createBroker({ driver: mqtt({ url, timeoutMs: 2_000, reconnectMaxMs: 300, ...freshOptions(), ...options }), destinations: [news], log: () => undefined })

  it('is asked for it, and what is larger is refused before it is sent', async () => {
    await using broker = brokerOf({})
    const producer = broker.producer(news)
    expect(await errorOf(producer.send('x'.repeat(30_000)))).toMatchObject({ code: 'ERR_TOO_LARGE', retryable: false })
    await producer.send('small')
  })

  it('is believed to have the limit that the options name, where MQTT 3.1.1 has no word for it', async () => {
    await using broker = brokerOf({ protocolVersion: 4, maxPacketBytes: 20_000 })
    const producer = broker.producer(news)
    expect(await errorOf(producer.send('x'.repeat(30_000)))).toMatchObject({ code: 'ERR_TOO_LARGE', retryable: false })
    await producer.send('small')
  })

  it('cuts the connection of MQTT 3.1.1 where nobody has named it: that message fails, and no other', async () => {
    await using link = await open(url, { protocolVersion: 4 })
    const endpoint = endpointOf('large', { kind: 'topic' })
    const subscription = { ...endpoint, subscription: { name: 's' } }
    await link.provision(endpoint, subscription)
    const { intake } = await link.receive(subscription, new FakeIntake())
    const sender = link.sender(endpoint)
    expect(await sender.send([messageOf('x'.repeat(30_000))], never)).toMatchObject([{ ok: false, stored: 'unknown', error: { retryable: true } }])
    await sendSurely(sender, [messageOf('small')])
    await until('the small one', () => intake.bodies.includes('small'))
  })

  it('is lived with where it drops what is too large, and says so with a code that the client library does not know', async () => {
    await using bed = skipOrFail(await startMosquitto({ config: { message_size_limit: 1_000 } }))
    await using link = await open((bed as NonNullable<typeof bed>).url)
    const sender = link.sender(endpointOf('large', { kind: 'topic' }))
    const [result] = await sender.send([messageOf('x'.repeat(2_000))], never)
    expect(result?.ok).toBe(false)
    await sendSurely(sender, [messageOf('small')])
  })
})
