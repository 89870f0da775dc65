import type { KeyObject, X509Certificate } from 'node:crypto'
import { certificatesIn, chainProblem, isValidAt } from './chain.ts'
import { fetchBounded } from './fetch-bounded.ts'
import { isCertificateUrl, signerNames } from './hosts.ts'
import { Refused } from './refused.ts'

export interface CertificatesOptions {
  readonly fetch: typeof globalThis.fetch
  readonly now: () => number
  readonly timeoutMs: number
  readonly roots: () => readonly X509Certificate[]
}

/** One that was found to sign for SNS. */
interface Signer {
  readonly certificate: X509Certificate
  readonly key: KeyObject
}

/** Certificates change about once a year; SNS has one for each region. */
const mostKept = 32
/** What is not there is not asked for again at once, whoever claims it. */
const mostRefused = 256
const refusedForMs = 60_000
/** Forged messages can name any number of certificates: so many are fetched at once. */
const mostFetches = 8
const maxFileBytes = 65_536

/** The certificates of SNS, fetched once each. */
export class Certificates {
  readonly #options: CertificatesOptions
  readonly #kept: Map<string, Signer> = new Map()
  readonly #fetching: Map<string, Promise<Signer>> = new Map()
  readonly #refused: Map<string, { readonly error: Refused; readonly until: number }> = new Map()

  constructor(options: CertificatesOptions) {
    this.#options = options
  }

  /** The key that signs messages of a region. Throws `Refused`: 403 for what is no certificate of SNS, 503 where that cannot be found out. */
  async keyOf(url: string, region: string): Promise<KeyObject> {
    if (!isCertificateUrl(url, region)) throw new Refused(403, `its certificate is not where SNS keeps those of ${region}`)
    const { certificate, key } = this.#kept.get(url) ?? (await this.#fetched(url, region))
    if (isValidAt(certificate, this.#options.now())) return key
    throw new Refused(403, 'its certificate is not valid now')
  }

  #fetched(url: string, region: string): Promise<Signer> {
    const refused = this.#refused.get(url)
    if (refused !== undefined && refused.until > this.#options.now()) return Promise.reject(refused.error)
    const underWay = this.#fetching.get(url)
    if (underWay !== undefined) return underWay
    if (this.#fetching.size >= mostFetches) return Promise.reject(new Refused(503, 'too many certificates are asked for at once'))
    const fetching = this.#load(url, region).finally(() => this.#fetching.delete(url))
    this.#fetching.set(url, fetching)
    return fetching
  }

  async #load(url: string, region: string): Promise<Signer> {
    try {
      const signer = await this.#verified(url, region)
      keep(this.#kept, url, signer, mostKept)
      return signer
    } catch (reason) {
      // What can be read and not be used, such as a key of a kind that nobody knows, makes the engine throw.
      const error = reason instanceof Refused ? reason : new Refused(403, 'its certificate cannot be used')
      if (error.status === 403) keep(this.#refused, url, { error, until: this.#options.now() + refusedForMs }, mostRefused)
      throw error
    }
  }

  async #verified(url: string, region: string): Promise<Signer> {
    const { now, roots } = this.#options
    const [certificate, ...others] = await this.#ask(url)
    if (certificate === undefined) throw new Refused(403, 'there is no certificate where it says')
    if (certificate.ca || certificate.publicKey.asymmetricKeyType !== 'rsa') throw new Refused(403, 'its certificate is none for signatures of SNS')
    if (!signerNames(region).some((name) => certificate.checkHost(name) !== undefined)) throw new Refused(403, 'its certificate was not issued to SNS')
    const problem = await chainProblem(certificate, { others, roots: roots(), now: now(), fetchIssuer: (issuer) => this.#ask(issuer) })
    if (problem !== undefined) throw new Refused(403, `its certificate is not to be trusted: ${problem}`)
    return { certificate, key: certificate.publicKey }
  }

  /** Empty if there is none. */
  async #ask(url: string): Promise<readonly X509Certificate[]> {
    const { fetch, timeoutMs } = this.#options
    let answer: { readonly status: number; readonly body: Uint8Array }
    try {
      answer = await fetchBounded(fetch, url, { timeoutMs, maxBytes: maxFileBytes })
    } catch (error) {
      throw new Refused(503, `a certificate could not be fetched: ${error instanceof Error ? error.message : String(error)}`)
    }
    if (answer.status === 429 || answer.status >= 500) throw new Refused(503, `a certificate could not be fetched: status ${answer.status}`)
    if (answer.status !== 200) return []
    try {
      return certificatesIn(answer.body)
    } catch {
      return []
    }
  }
}

/** The oldest gives way. */
function keep<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  map.delete(key)
  const [oldest] = map.size >= most ? map.keys() : []
  if (oldest !== undefined) map.delete(oldest)
  map.set(key, value)
}
