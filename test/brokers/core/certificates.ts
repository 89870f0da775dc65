import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** As PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

export interface Certificates {
  readonly ca: string
  /** For `localhost`. */
  readonly server: Certificate
  readonly client: Certificate
}

/** An authority, a server certificate for `localhost` and one for a client, valid for two days. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'busbar-tls-'))
  const openssl = (...args: readonly string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const pem = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const signed = (name: string, host: string): Certificate => {
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${host}`, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    writeFileSync(join(folder, `${name}.ext`), `subjectAltName=DNS:${host}`)
    const files = ['-in', `${name}.csr`, '-extfile', `${name}.ext`, '-out', `${name}.pem`]
    openssl('x509', '-req', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', ...files)
    return { cert: pem(`${name}.pem`), key: pem(`${name}.key`) }
  }
  try {
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=authority', '-keyout', 'ca.key', '-out', 'ca.pem')
    return { ca: pem('ca.pem'), server: signed('server', 'localhost'), client: signed('client', 'client') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
