import { systemClock } from '@busbar/core'
import { isLoopback, suggestion, type BrokerError, type Clock } from '@busbar/core/driver'
import type { RedisClient } from './client.ts'
import { redisError } from './errors.ts'

/** Certificates, as for `tls.connect` of Node. */
export interface RedisTlsOptions {
  /** Authorities to trust instead of the system's, PEM. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Client certificate and its key, PEM. */
  readonly cert?: string | Uint8Array
  readonly key?: string | Uint8Array
  readonly passphrase?: string
  /** Name that the server's certificate must carry. Default: the host of the URL. */
  readonly servername?: string
}

export interface RedisStoreSettings {
  /**
   * What the names of all keys begin with; stores with one prefix share their claims. Default `busbar:claim:`. A hash tag in it (`{busbar}:`) puts all claims of a
   * cluster on one slot; without, they spread over all.
   */
  readonly prefix?: string
  /** Every call settles within this time, in milliseconds, whatever happens. 100 to 60,000. Default 5,000. */
  readonly timeoutMs?: number
  /**
   * How long the fence of a key is remembered after its claim has ended, in milliseconds. It has to be longer than the server's clock may ever step back. 1,000 to 86,400,000.
   * Default 600,000 (ten minutes).
   */
  readonly fenceMemoryMs?: number
  /** Where time limits come from. Leases don't: they run on the server's clock. Default: the system's. */
  readonly clock?: Clock
}

interface ClientSource {
  /** A client of ioredis: stays open when the store is closed. Or a function that makes one at the first call: closed with the store. */
  readonly client: RedisClient | (() => RedisClient | Promise<RedisClient>)
  readonly url?: never
  readonly cluster?: never
  readonly tls?: never
  readonly allowPlaintext?: never
  readonly connectionName?: never
}

interface ConnectionSettings {
  readonly client?: never
  readonly tls?: RedisTlsOptions
  /** Allows `redis://` to other machines: passwords and values travel in clear text. Default false. */
  readonly allowPlaintext?: boolean
  /** Name shown in the server's list of clients. Default `busbar`. */
  readonly connectionName?: string
}

interface ServerSource extends ConnectionSettings {
  /** `rediss://user:password@host:6379/0`, the last being the database. Plain `redis://` is accepted for loopback addresses only, unless `allowPlaintext` is set. */
  readonly url: string
  readonly cluster?: never
}

interface ClusterSource extends ConnectionSettings {
  /** URLs of some nodes of a cluster, all with TLS or all without; the others are found through them. User and password are those of the first. */
  readonly cluster: readonly string[]
  readonly url?: never
}

/** Options of `redisStore`: a client of yours, or where to connect to, and how to keep claims. */
export type RedisStoreOptions = RedisStoreSettings & (ClientSource | ServerSource | ClusterSource)

/** A server, and how to log in. */
export interface Address {
  readonly secure: boolean
  readonly host: string
  readonly port: number
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
}

export type ResolvedSource =
  | { readonly kind: 'client'; readonly client: RedisClient }
  | { readonly kind: 'factory'; readonly make: () => RedisClient | Promise<RedisClient> }
  | {
      readonly kind: 'server' | 'cluster'
      readonly addresses: readonly [Address, ...Address[]]
      readonly tls: RedisTlsOptions
      readonly connectionName: string
    }

/** {@link RedisStoreOptions} checked and with defaults. */
export interface ResolvedOptions {
  readonly source: ResolvedSource
  readonly prefix: string
  readonly timeoutMs: number
  readonly fenceMemoryMs: number
  readonly clock: Clock
}

const known = ['client', 'url', 'cluster', 'tls', 'allowPlaintext', 'connectionName', 'prefix', 'timeoutMs', 'fenceMemoryMs', 'clock']
const knownTls = ['ca', 'cert', 'key', 'passphrase', 'servername']
const sources = ['client', 'url', 'cluster'] as const
const clientFunctions = ['evalsha', 'eval', 'scan', 'connect', 'disconnect', 'on', 'removeListener'] as const

/** Throws `ERR_CONFIGURATION` that names the option and what it allows, without values that may be secret. */
export function resolveOptions(options: RedisStoreOptions): ResolvedOptions {
  checkKnown('redis', options, known)
  const { prefix = 'busbar:claim:', clock = systemClock } = options
  if (typeof prefix !== 'string' || prefix === '' || prefix.length > 256 || !prefix.isWellFormed())
    throw configuration("option 'prefix' must be a text of 1 to 256 characters")
  return {
    source: resolveSource(options),
    prefix,
    clock,
    timeoutMs: integer('timeoutMs', options.timeoutMs, 5_000, 100, 60_000),
    fenceMemoryMs: integer('fenceMemoryMs', options.fenceMemoryMs, 600_000, 1_000, 86_400_000),
  }
}

/** Is it a client, and not options? */
export function isClient(value: unknown): value is RedisClient {
  return typeof value === 'object' && value !== null && clientFunctions.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
}

function resolveSource(options: RedisStoreOptions): ResolvedSource {
  const given = sources.filter((name) => options[name] !== undefined)
  if (given.length !== 1) throw configuration(`exactly one of the options ${sources.map((name) => `'${name}'`).join(', ')} is needed`)
  if (options.client !== undefined) {
    const { client } = options
    if (typeof client === 'function') return { kind: 'factory', make: client }
    if (!isClient(client))
      throw configuration(`option 'client' must be a client of ioredis, with the functions ${clientFunctions.join(', ')}, or a function that makes one`)
    return { kind: 'client', client }
  }
  const { tls = {}, allowPlaintext = false, connectionName = 'busbar' } = options
  checkKnown('redis: tls', tls, knownTls)
  if (typeof allowPlaintext !== 'boolean') throw configuration("option 'allowPlaintext' must be true or false")
  if (typeof connectionName !== 'string' || !/^[!-~]{1,64}$/.test(connectionName))
    throw configuration("option 'connectionName' must be 1 to 64 letters without blanks")
  const urls: unknown = options.url === undefined ? options.cluster : [options.url]
  const name = options.url === undefined ? 'cluster' : 'url'
  const [first, ...others] = Array.isArray(urls) ? urls.map((url) => parseAddress(name, url, allowPlaintext)) : []
  if (first === undefined) throw configuration(`option '${name}' must be a list of URLs, with one at least`)
  // One client speaks to all nodes: what holds for the first holds for the others.
  if (others.some(({ secure }) => secure !== first.secure))
    throw configuration("the URLs in option 'cluster' must all begin with rediss://, or all with redis://")
  if (name === 'cluster' && [first, ...others].some(({ database }) => database !== 0))
    throw configuration("option 'cluster' names a database, and a cluster has none but 0")
  return { kind: name === 'cluster' ? 'cluster' : 'server', addresses: [first, ...others], tls, connectionName }
}

function parseAddress(name: string, text: unknown, allowPlaintext: boolean): Address {
  const url = typeof text === 'string' ? URL.parse(text) : null
  if (url === null) throw configuration(`option '${name}' is not a URL; rediss://user:password@host:6379/0 is the form`)
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:')
    throw configuration(`the scheme in option '${name}' is not known; use rediss:// (or redis:// on this machine)`)
  if (url.search !== '' || url.hash !== '') throw configuration(`option '${name}' takes no parameters; use options beside it`)
  const secure = url.protocol === 'rediss:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (host === '') throw configuration(`option '${name}' names no host`)
  if (!secure && !allowPlaintext && !isLoopback(host))
    throw configuration(`plain redis:// to ${host} would send passwords and values in clear text; use rediss://, or set allowPlaintext: true`)
  const database = url.pathname === '' || url.pathname === '/' ? '0' : url.pathname.slice(1)
  if (!/^\d{1,5}$/.test(database)) throw configuration(`the path in option '${name}' must be the number of a database`)
  return {
    secure,
    host,
    port: url.port === '' ? 6379 : Number(url.port),
    username: url.username === '' ? undefined : decode(name, url.username),
    password: url.password === '' ? undefined : decode(name, url.password),
    database: Number(database),
  }
}

function decode(name: string, part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw configuration(`option '${name}' holds a malformed percent sequence`)
  }
}

function integer(name: string, value: number | undefined, standard: number, least: number, most: number): number {
  if (value === undefined) return standard
  if (!Number.isInteger(value) || value < least || value > most) throw configuration(`option '${name}' must be a whole number from ${least} to ${most}`)
  return value
}

function checkKnown(what: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw configuration('options must be an object')
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw redisError('ERR_CONFIGURATION', `${what}: unknown option '${name.slice(0, 64)}'${suggestion(name, names)}`)
  }
}

function configuration(text: string): BrokerError {
  return redisError('ERR_CONFIGURATION', `redis: ${text}`)
}
