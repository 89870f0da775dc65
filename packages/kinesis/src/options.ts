import { isIP } from 'node:net'
import { suggestion } from '@busbar/core/driver'
import type { KinesisClient, KinesisClientConfig } from '@aws-sdk/client-kinesis'
import { configuration } from './errors.ts'
import { limits } from './limits.ts'
import { booleanOf, checkKnown, integer, number, textOf } from './option-checks.ts'

/** Options of {@link kinesis}. */
export interface KinesisOptions {
  /** AWS region, such as `eu-central-1`. Default: as the SDK finds it (`AWS_REGION`, the shared configuration file). */
  readonly region?: string
  /**
   * Another endpoint than that of the region, such as a VPC endpoint or an emulator. `https:`; `http:` for loopback addresses only, unless
   * {@link KinesisOptions.allowPlaintext} is set, and then by HTTP/1.1. Default: that of the region, by HTTP/2.
   */
  readonly endpoint?: string
  /** Allows `http:` to remote hosts: messages travel in clear text. Default false. */
  readonly allowPlaintext?: boolean
  /** Credentials or a provider of them, as for the SDK's client. Default: the SDK's chain of providers. Not in configuration files and URLs. */
  readonly credentials?: NonNullable<KinesisClientConfig['credentials']>
  /** A client of your own instead of the four options above. Build it with `maxAttempts: 1`, since core retries by itself; with more, the start is refused. It is not destroyed when the broker closes. */
  readonly client?: KinesisClient
  /** Bounds every call, in milliseconds. 100 to 600,000. Default 10,000. */
  readonly timeoutMs?: number
  /**
   * Largest request, data and partition keys of its records, in bytes. 1,048,576 to 10,485,760 (the limit of the service). Default 5,242,880, which older endpoints
   * take too. A record that a stream allows to be larger goes alone.
   */
  readonly maxRequestBytes?: number
  /**
   * The part of a shard's limits (1 MB and 1,000 records a second) that this process may use: 0.01 to 1, or `false` for no limit of its own. Default 1. Several
   * processes that send to one stream share its shards: what is above the limits is refused by the service, and sent again after a pause for that shard alone.
   */
  readonly shardShare?: number | false
}

/** {@link KinesisOptions} checked and with defaults. */
export interface ResolvedOptions {
  readonly region: string | undefined
  readonly endpoint: string | undefined
  readonly credentials: KinesisOptions['credentials']
  readonly client: KinesisClient | undefined
  readonly timeoutMs: number
  readonly maxRequestBytes: number
  /** `Infinity` for no limit. */
  readonly shardShare: number
}

const known: readonly (keyof KinesisOptions)[] = ['region', 'endpoint', 'allowPlaintext', 'credentials', 'client', 'timeoutMs', 'maxRequestBytes', 'shardShare']

/** Throws `ERR_CONFIGURATION` that names the option and what it allows. */
export function resolveOptions(options: KinesisOptions): ResolvedOptions {
  checkKnown('kinesis', options, known)
  const { client, credentials, shardShare } = options
  if (client !== undefined) {
    const settled = (['region', 'endpoint', 'allowPlaintext', 'credentials'] as const).find((name) => options[name] !== undefined)
    if (settled !== undefined) throw configuration(`kinesis: option '${settled}' belongs to the client; give the one or the other`)
  }
  return {
    region: regionOf(options.region),
    endpoint: endpointOf(options.endpoint, booleanOf('allowPlaintext', options.allowPlaintext, false)),
    credentials,
    client,
    timeoutMs: integer('timeoutMs', options.timeoutMs, 10_000, 100, 600_000),
    maxRequestBytes: integer('maxRequestBytes', options.maxRequestBytes, limits.oldRequestBytes, limits.recordBytes, limits.requestBytes),
    shardShare: shardShare === false ? Infinity : number('shardShare', shardShare, 1, 0.01, 1),
  }
}

const queryNumbers: readonly string[] = ['timeoutMs', 'maxRequestBytes', 'shardShare']
const queryKnown: readonly string[] = [...queryNumbers, 'endpoint', 'allowPlaintext']

/**
 * Options in a URL: `kinesis://eu-central-1?shardShare=0.5`. The host is the region, which `kinesis:` alone leaves to the SDK; the parameters are named as in
 * {@link KinesisOptions}. Credentials do not belong there. Throws `ERR_CONFIGURATION` without secrets.
 */
export function optionsFromUrl(url: URL): KinesisOptions {
  if (url.username !== '' || url.password !== '') throw configuration("kinesis URL: credentials don't belong in a URL; the SDK finds them in the environment")
  if (url.port !== '' || !['', '/'].includes(url.pathname))
    throw configuration('kinesis URL: kinesis://region?option=value is the form; streams are named by routes')
  const options: Record<string, unknown> = url.hostname === '' ? {} : { region: url.hostname }
  for (const [name, text] of url.searchParams) {
    if (!queryKnown.includes(name)) throw configuration(`kinesis URL: unknown parameter '${name.slice(0, 64)}'${suggestion(name, queryKnown)}`)
    if (name === 'shardShare' && text === 'false') options[name] = false
    else if (queryNumbers.includes(name)) options[name] = Number(text)
    else if (name === 'allowPlaintext') options[name] = text === 'true' || text === '' ? true : text === 'false' ? false : text
    else options[name] = text
  }
  return options
}

/** From a configuration object or file, which can hold neither clients nor functions. */
export function optionsFromConfiguration(options: Readonly<Record<string, unknown>>): KinesisOptions {
  const code = ['client', 'credentials'].find((name) => options[name] !== undefined)
  if (code !== undefined) throw configuration(`kinesis: option '${code}' is for code only; the SDK finds credentials in the environment`)
  return options
}

function regionOf(value: unknown): string | undefined {
  const region = textOf('region', value)
  if (region === undefined || /^[a-z0-9-]{1,64}$/.test(region)) return region
  throw configuration("kinesis: option 'region' must be the name of a region, such as eu-central-1")
}

function endpointOf(value: unknown, allowPlaintext: boolean): string | undefined {
  const text = textOf('endpoint', value)
  if (text === undefined) return undefined
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw configuration("kinesis: option 'endpoint' must be a URL, such as https://kinesis.example.com")
  if (url.username !== '' || url.password !== '') throw configuration("kinesis: option 'endpoint' must hold no credentials")
  if (url.protocol === 'http:' && !allowPlaintext && !isLoopback(url.hostname.replace(/^\[|\]$/g, '')))
    throw configuration(`kinesis: http to ${url.hostname} would send messages in clear text; use https, or set allowPlaintext: true`)
  return url.href
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
