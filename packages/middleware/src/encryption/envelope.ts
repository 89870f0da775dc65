import { keyIdPattern } from './keys.ts'

/** The header of an encrypted message. */
export const encryptionHeader = 'busbar-encryption'

const version = 1
const algorithm = 'A256GCM'
const longestHeader = 4_096

export const nonceBytes = 12
/** More names than this would make the header longer than a backend's attributes should be. */
export const mostHeaders = 16
export const headerName: RegExp = /^[\w-]+(\.[\w-]+)*$/
export const longestName = 64

/** What a receiver has to know to decrypt a message. Nothing in it is secret. */
export interface Envelope {
  /** Of the master key. */
  readonly keyId: string
  /** The data key, encrypted with the master key by AES key wrap (RFC 3394): 40 bytes in base64url. */
  readonly wrapped: string
  /** 12 bytes in base64url. */
  readonly nonce: string
  /** Names of the user headers that are authenticated. */
  readonly headers: readonly string[]
}

/** Compact JSON; authenticated byte for byte. */
export function packEnvelope({ keyId, wrapped, nonce, headers }: Envelope): string {
  return JSON.stringify({ v: version, a: algorithm, k: keyId, w: wrapped, n: nonce, ...(headers.length === 0 ? {} : { h: headers }) })
}

/** `undefined` for anything that {@link packEnvelope} does not write, newer versions included: of what is encrypted, nothing can be guessed. */
export function unpackEnvelope(text: string): Envelope | undefined {
  if (text.length > longestHeader) return undefined
  const packed = parsed(text)
  if (packed?.['v'] !== version || packed['a'] !== algorithm) return undefined
  const { k, w, n, h = [] } = packed
  if (!matches(k, keyIdPattern) || !matches(w, /^[\w-]{54}$/) || !matches(n, /^[\w-]{16}$/) || !Array.isArray(h) || h.length > mostHeaders) return undefined
  const headers = h.filter((name): name is string => matches(name, headerName) && name.length <= longestName)
  return headers.length === h.length ? { keyId: k, wrapped: w, nonce: n, headers } : undefined
}

function matches(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value)
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
