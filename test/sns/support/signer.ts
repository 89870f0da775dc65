import { execFileSync } from 'node:child_process'
import { sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A certificate with its key, both as PEM. */
export interface Certified {
  readonly certificate: string
  readonly key: string
}

/** Where the leaf says that its issuer is. */
export const issuerUrl = 'http://crt.example.test/issuer.cer'

/** An authority of our own, made like that of Amazon: a root, one between, and certificates that it has issued. */
export class Authority implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'busbar-sns-'))
  readonly root: Certified
  readonly intermediate: Certified

  constructor() {
    this.root = this.#make('root', undefined, 'basicConstraints=critical,CA:TRUE')
    this.intermediate = this.issue('intermediate', 'basicConstraints=critical,CA:TRUE', 'root')
  }

  /** `extensions`: as OpenSSL writes them, separated by line ends. `issuer`: the name under which it was made. */
  issue(name: string, extensions: string, issuer: string = 'intermediate'): Certified {
    return this.#make(name, issuer, extensions)
  }

  /** One for the given names, which says where its issuer is. */
  leaf(name: string, hosts: readonly string[], issuer?: string): Certified {
    const names = hosts.map((host) => `DNS:${host}`).join()
    return this.issue(name, `basicConstraints=CA:FALSE\nsubjectAltName=${names}\nauthorityInfoAccess=caIssuers;URI:${issuerUrl}`, issuer)
  }

  selfSigned(name: string, hosts: readonly string[]): Certified {
    return this.#make(name, undefined, `basicConstraints=CA:FALSE\nsubjectAltName=${hosts.map((host) => `DNS:${host}`).join()}`)
  }

  /** Another root, which is valid for so many days. */
  otherRoot(name: string, days: number): Certified {
    return this.#make(name, undefined, 'basicConstraints=critical,CA:TRUE', days)
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #make(name: string, issuer: string | undefined, extensions: string, days: number = 30): Certified {
    writeFileSync(this.#path(`${name}.ext`), extensions)
    this.#openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', this.#path(`${name}.key`), '-out', this.#path(`${name}.csr`))
    const by =
      issuer === undefined
        ? ['-signkey', this.#path(`${name}.key`)]
        : ['-CA', this.#path(`${issuer}.pem`), '-CAkey', this.#path(`${issuer}.key`), '-CAcreateserial']
    const files = ['-in', this.#path(`${name}.csr`), '-out', this.#path(`${name}.pem`), '-extfile', this.#path(`${name}.ext`)]
    this.#openssl('x509', '-req', '-days', String(days), ...files, ...by)
    return { certificate: readFileSync(this.#path(`${name}.pem`), 'utf8'), key: readFileSync(this.#path(`${name}.key`), 'utf8') }
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' })
  }

  #path(file: string): string {
    return join(this.#folder, file)
  }
}

/** What SNS delivers, before it is signed: the fields of its JSON. */
export type Fields = Readonly<Record<string, string | object>>

const covered: Readonly<Record<string, readonly string[]>> = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
  UnsubscribeConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
}

/** Signs as the developer guide of SNS says. */
export function signed(fields: Fields, key: string, version: '1' | '2' = '1'): Fields {
  const names = covered[fields['Type'] as string] ?? []
  const text = names.flatMap((name) => (fields[name] === undefined ? [] : [`${name}\n${fields[name] as string}\n`])).join('')
  const signature = sign(version === '1' ? 'RSA-SHA1' : 'RSA-SHA256', Buffer.from(text), key).toString('base64')
  return { ...fields, SignatureVersion: version, Signature: signature }
}
