import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { createServer, type Server } from 'node:tls'
import { afterAll, expect, it } from 'vitest'
import { freshVhost, onEachRabbitmq } from './support/beds.ts'
import { until } from './support/intake.ts'
import { endpointOf, errorOf, messageOf, TestLink } from './support/link.ts'

const folder = mkdtempSync(join(tmpdir(), 'busbar-tls-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
makeCertificates()
const ca = pem('ca.pem')
const client = { cert: pem('client.pem'), key: pem('client.key') }

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
  const options = { ca, cert: pem('server.pem'), key: pem('server.key'), requestCert: true, rejectUnauthorized: true, noDelay: true }
  const server = createServer(options, (socket) => {
    const behind = connect({ port: Number(plain.port), host: plain.hostname, noDelay: true })
    pipeline(socket, behind, socket, () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `amqps://${plain.username}:${plain.password}@localhost:${(server.address() as AddressInfo).port}${plain.pathname}` }
}

/** An authority, a server certificate for `localhost` and one for a client, valid for two days. */
function makeCertificates(): void {
  const openssl = (...args: readonly string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=authority', '-keyout', 'ca.key', '-out', 'ca.pem')
  for (const [name, host] of Object.entries({ server: 'localhost', client: 'client' })) {
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${host}`, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    writeFileSync(join(folder, `${name}.ext`), `subjectAltName=DNS:${host}`)
    const files = ['-in', `${name}.csr`, '-extfile', `${name}.ext`, '-out', `${name}.pem`]
    openssl('x509', '-req', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', ...files)
  }
}

function pem(name: string): string {
  return readFileSync(join(folder, name), 'utf8')
}
