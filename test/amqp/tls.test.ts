import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'
import { createServer, type Server } from 'node:tls'
import { expect, it } from 'vitest'
import { makeCertificates } from '../brokers/core/certificates.ts'
import { freshVhost, onEachRabbitmq } from './support/beds.ts'
import { until } from './support/intake.ts'
import { endpointOf, errorOf, messageOf, TestLink } from './support/link.ts'

const { ca, server: serverCertificate, client } = makeCertificates()

await onEachRabbitmq({}, (bed) => {
  it('speaks TLS with a certificate on both sides', async () => {
    const { server, url } = await secured(await freshVhost(bed))
    await using link = await TestLink.open(url, { tls: { ca, ...client } })
    const orders = endpointOf('secured')
    await link.provision(orders)
    await link.send(orders, [messageOf('secret')])
    const { intake } = await link.receive(orders)
    await until('the message', () => intake.bodies.includes('secret'))
    server.close()
  })

  it('refuses an unknown authority and a name that is not the certificate’s, and says when it is refused itself', async () => {
    const { server, url } = await secured(await freshVhost(bed))
    const errors = [
      await errorOf(TestLink.open(url, { tls: client })),
      await errorOf(TestLink.open(url, { tls: { ca, ...client, servername: 'elsewhere.example' } })),
      await errorOf(TestLink.open(url, { tls: { ca } })),
    ]
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringContaining('self-signed certificate'),
      expect.stringContaining('elsewhere.example'),
      expect.stringMatching(/certificate required|closed/i),
    ])
    server.close()
  })
})

/** TLS in front of the broker, as a load balancer does it: a broker in a container or a chroot could not read our files. */
async function secured(plainUrl: string): Promise<{ readonly server: Server; readonly url: string }> {
  const plain = new URL(plainUrl)
  const options = { ca, ...serverCertificate, requestCert: true, rejectUnauthorized: true, noDelay: true }
  const server = createServer(options, (socket) => {
    const behind = connect({ port: Number(plain.port), host: plain.hostname, noDelay: true })
    pipeline(socket, behind, socket, () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `amqps://${plain.username}:${plain.password}@localhost:${(server.address() as AddressInfo).port}${plain.pathname}` }
}
