import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { createServer } from 'node:tls'
import { redisStore } from '@busbar/redis'
import { afterAll, describe, expect, it } from 'vitest'
import { skipOrFail, startRedis } from '../brokers/index.ts'

const bed = skipOrFail(await startRedis())
const folder = mkdtempSync(join(tmpdir(), 'busbar-tls-'))
const claim = { key: 'k', owner: 'a', leaseMs: 1_000 }

describe.skipIf(bed === undefined)('redisStore over TLS', { timeout: 20_000 }, () => {
  if (bed === undefined) return
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...name, '-keyout', 'key.pem', '-out', 'cert.pem'], {
    cwd: folder,
    stdio: 'pipe',
  })
  const cert = readFileSync(join(folder, 'cert.pem'), 'utf8')
  // TLS in front of Redis, as a load balancer does it.
  const server = createServer({ cert, key: readFileSync(join(folder, 'key.pem')) }, (socket) => {
    pipeline(socket, connect({ port: Number(new URL(bed.url).port), host: '127.0.0.1' }), socket, () => undefined)
  })
  afterAll(async () => {
    server.close()
    await bed[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  async function port(): Promise<number> {
    if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening')
    return (server.address() as AddressInfo).port
  }

  it('claims through it', async () => {
    await using store = redisStore({ url: `rediss://localhost:${await port()}`, tls: { ca: cert } })
    expect((await store.claim(claim)).state).toBe('claimed')
  })

  it('refuses a certificate of an unknown authority, and one of another name', async () => {
    await using unknown = redisStore({ url: `rediss://localhost:${await port()}`, timeoutMs: 500 })
    await expect(unknown.claim(claim)).rejects.toMatchObject({ code: 'ERR_CONFIGURATION', message: expect.stringContaining('self-signed certificate') })
    await using other = redisStore({ url: `rediss://127.0.0.1:${await port()}`, tls: { ca: cert }, timeoutMs: 500 })
    await expect(other.claim(claim)).rejects.toMatchObject({ code: 'ERR_CONFIGURATION', message: expect.stringContaining("certificate's altnames") })
  })
})
