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
