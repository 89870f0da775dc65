import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'

/** Longest way from a certificate to its root. */
const mostIssuers = 4

/** What stands in a file of certificates, the first first. Throws for what is none. */
export function certificatesIn(file: Uint8Array): X509Certificate[] {
  const text = Buffer.from(file).toString('latin1')
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/g)
  return blocks === null ? [new X509Certificate(file)] : blocks.map((block) => new X509Certificate(block))
}

export interface ChainOptions {
  /** Certificates that may stand between. */
  readonly others: readonly X509Certificate[]
  readonly roots: readonly X509Certificate[]
  readonly now: number
  /** Asks for the issuer where the certificate says that it is. */
  readonly fetchIssuer: (url: string) => Promise<readonly X509Certificate[]>
}

/** Why a certificate leads to none of the roots; `undefined` if it does, and all on the way are valid now. Rejects as `fetchIssuer` does. */
export async function chainProblem(leaf: X509Certificate, options: ChainOptions): Promise<string | undefined> {
  const { others, roots, now } = options
  let current = leaf
  for (let step = 0; step < mostIssuers; step++) {
    if (!isValidAt(current, now)) return 'a certificate of its chain is not valid now'
    const root = roots.find((candidate) => isIssuedBy(current, candidate))
    if (root !== undefined) return isValidAt(root, now) ? undefined : 'the root of its chain is not valid now'
    const issuer = others.find((other) => isIssuedBy(current, other)) ?? (await fetched(current, options))
    if (issuer === undefined) break
    current = issuer
  }
  return 'its chain ends at no root that is trusted'
}

export function isValidAt(certificate: X509Certificate, now: number): boolean {
  return Date.parse(certificate.validFrom) <= now && now <= Date.parse(certificate.validTo)
}

let defaults: readonly X509Certificate[] | undefined

/** Those that Node trusts. */
export function defaultRoots(): readonly X509Certificate[] {
  return (defaults ??= rootCertificates.map((text) => new X509Certificate(text)))
}

async function fetched(certificate: X509Certificate, { fetchIssuer }: ChainOptions): Promise<X509Certificate | undefined> {
  const url = /CA Issuers - URI:(https?:\/\/[^\s"]+)/.exec(certificate.infoAccess ?? '')?.[1]
  if (url === undefined) return undefined
  return (await fetchIssuer(url)).find((candidate) => isIssuedBy(certificate, candidate))
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}
