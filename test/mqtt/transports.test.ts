import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'
import { createServer } from 'node:tls'
import { mqtt, type MqttOptions } from '@busbar/mqtt'
import { afterAll, describe, expect, it } from 'vitest'
import { until } from '../amqp/support/intake.ts'
import { endpointOf, errorOf, messageOf, TestLink } from '../amqp/support/link.ts'
import { makeCertificates } from '../brokers/core/certificates.ts'
import { skipOrFail, startMosquitto } from '../brokers/index.ts'
import { freshOptions } from './support/beds.ts'

const { ca, server, client } = makeCertificates()
const bed = skipOrFail(await startMosquitto({ tls: { ca, ...server, clientCertificates: true } }))
afterAll(() => bed?.[Symbol.asyncDispose]())

describe.skipIf(bed === undefined)('mosquitto', () => {
  const { tlsUrl = '', webSocketUrl = '' } = bed as NonNullable<typeof bed>
  const open = (url: string, more: Partial<MqttOptions> = {}): ReturnType<typeof TestLink.over> =>
    TestLink.over(mqtt({ url, timeoutMs: 2_000, ...freshOptions(), ...more }))

  it.each([
    ['TLS with a certificate on both sides', tlsUrl, { tls: { ca, ...client } }],
    ['WebSocket', webSocketUrl, {}],
    ['WebSocket and MQTT 3.1.1', webSocketUrl, { protocolVersion: 4 }],
  ] as const)('is spoken to by %s', async (name, url, options) => {
    await using link = await open(url, options)
    const topic = endpointOf(`transports/${name}`, { kind: 'topic' })
    const subscription = { ...topic, subscription: { name: 's' } }
    await link.provision(topic, subscription)
    const { intake } = await link.receive(subscription)
    await link.send(topic, [messageOf('secret'), messageOf('x'.repeat(5_000))])
    await until('both messages', () => intake.deliveries.length === 2)
    expect(intake.bodies).toEqual(['secret', 'x'.repeat(5_000)])
  })

  it('is spoken to by WebSocket over TLS, with a certificate on both sides, by whoever trusts it', async () => {
    // TLS in front of the broker, as a load balancer does it.
    const front = createServer({ ca, ...server, requestCert: true, rejectUnauthorized: true }, (socket) => {
      const behind = connect(Number(new URL(webSocketUrl).port), '127.0.0.1')
      pipeline(socket, behind, socket, () => undefined)
    })
    front.listen(0, '127.0.0.1')
    await once(front, 'listening')
    const url = `wss://localhost:${(front.address() as AddressInfo).port}`
    try {
      await using link = await open(url, { tls: { ca, ...client } })
      const topic = endpointOf('transports/wss', { kind: 'topic' })
      const subscription = { ...topic, subscription: { name: 's' } }
      await link.provision(topic, subscription)
      const { intake } = await link.receive(subscription)
      await link.send(topic, [messageOf('secret')])
      await until('the message', () => intake.bodies.includes('secret'))
      expect(await errorOf(open(url, { tls: client }))).toMatchObject({ message: expect.stringContaining('self-signed certificate') as string })
    } finally {
      front.close()
    }
  })

  it('is not trusted with an unknown authority, or a name that is not its certificate’s, and says when it does not trust us', async () => {
    const errors = [
      await errorOf(open(tlsUrl, { tls: client })),
      await errorOf(open(tlsUrl, { tls: { ca, ...client, servername: 'elsewhere.example' } })),
      await errorOf(open(tlsUrl, { tls: { ca } })),
    ]
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringContaining('self-signed certificate'),
      expect.stringContaining('elsewhere.example'),
      expect.stringMatching(/certificate required|closed|reset/i),
    ])
  })
})
