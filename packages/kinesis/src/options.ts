import { isLoopback, suggestion, type LeaseStore } from '@busbar/core/driver'
import type { KinesisClient, KinesisClientConfig } from '@aws-sdk/client-kinesis'
import { configuration } from './errors.ts'
import { limits } from './limits.ts'
import { booleanOf, checkKnown, integer, number, textOf } from './option-checks.ts'
import { defaultReadPace, type ReadPace } from './reading/shard-pace.ts'

/** Options of {@link kinesis}. */
export interface KinesisOptions {
  /** AWS region, such as `eu-central-1`. Default: as the SDK finds it (`AWS_REGION`, the shared configuration file). */
  readonly region?: string
  /**
   * Another endpoint than that of the region, such as a VPC endpoint or an emulator. `https:`; `http:` for loopback addresses only, unless
   * {@link KinesisOptions.allowPlaintext} is set, and then by HTTP/1.1 alone. Default: as the SDK finds it (`AWS_ENDPOINT_URL_KINESIS`, `AWS_ENDPOINT_URL`, the shared configuration file), under the same
   * condition, or else that of the region.
   */
  readonly endpoint?: string
  /** Allows `http:` to remote hosts: messages travel in clear text. Default false. */
  readonly allowPlaintext?: boolean
  /** Credentials or a provider of them, as for the SDK's client. Default: the SDK's chain of providers. Not in configuration files and URLs. */
  readonly credentials?: NonNullable<KinesisClientConfig['credentials']>
  /** A client of your own instead of the four options above. Build it with `maxAttempts: 1`, since core retries by itself; with more, the start is refused; and with a `requestHandler` that keeps connections, such as `new NodeHttp2Handler()`, since the SDK's own for Kinesis opens one for each call. It is not destroyed when the broker closes. */
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
  /**
   * Where the workers of a subscription keep their leases on shards and their checkpoints; without one nothing is received. `redisStore` of `@busbar/redis` and
   * `dynamoStore` of `@busbar/dynamodb` serve all processes; `memoryStore` of `@busbar/memory` serves one, and forgets all checkpoints when that ends. Not in configuration files
   * and URLs: see {@link kinesisWith}.
   */
  readonly store?: LeaseStore
  /**
   * How long the shards of a process that has died are unread, at most, but for the next look of another, in milliseconds. 1,000 to 600,000. Default 10,000. A process
   * that cannot reach the store for nine tenths of it gives its shards up.
   */
  readonly leaseMs?: number
  /** How often checkpoints are written, in milliseconds. 100 to a third of {@link KinesisOptions.leaseMs}. Default 2,000, or that third. What was done since then is done again after a crash. */
  readonly checkpointMs?: number
  /** How often each process looks whether shards are to be shared anew, in milliseconds. 100 to 60,000. Default 2,000; 50 for each process if that is more. */
  readonly lookMs?: number
  /** How often shards are listed, in milliseconds. 1,000 to 3,600,000. Default 60,000. They are listed also when one has ended. */
  readonly listMs?: number
  /** How long handing over a shard to another process may take, before what runs is aborted, in milliseconds. 0 to 3,600,000. Default 30,000. */
  readonly handOverMs?: number
  /**
   * The part that this subscription may use of what a shard gives to all that poll it (5 reads and 2 MiB a second): 0.02 to 1, or `false` for no limit of its own. Default 0.5. Of no meaning for
   * subscriptions with {@link KinesisRouteOptions.fanOut}.
   */
  readonly readShare?: number | false
  /** Longest pause between two reads of a shard to which nothing is written, in milliseconds. 200 to 60,000. Default 1,000. */
  readonly readIdleMs?: number
  /** How much is read of a shard at once, in bytes: what is read before there is room for it, for each shard. 65,536 to 10,485,760. Default 1,048,576. A read may hold more, up to 10 MiB, as records are counted before their sizes are known. */
  readonly readPageBytes?: number
}

/** The times of a group, checked. */
export type GroupTimes = Readonly<Required<Pick<KinesisOptions, 'leaseMs' | 'checkpointMs' | 'lookMs' | 'listMs' | 'handOverMs'>>>

/** {@link KinesisOptions} checked and with defaults. */
export interface ResolvedOptions {
  readonly region: string | undefined
  readonly endpoint: string | undefined
  readonly allowPlaintext: boolean
  readonly credentials: KinesisOptions['credentials']
  readonly client: KinesisClient | undefined
  readonly timeoutMs: number
  readonly maxRequestBytes: number
  /** `Infinity` for no limit. */
  readonly shardShare: number
  readonly store: LeaseStore | undefined
  readonly times: GroupTimes
  readonly pace: ReadPace
}

const numbers = [
  'timeoutMs',
  'maxRequestBytes',
  'shardShare',
  'leaseMs',
  'checkpointMs',
  'lookMs',
  'listMs',
  'handOverMs',
  'readShare',
  'readIdleMs',
  'readPageBytes',
] as const satisfies readonly (keyof KinesisOptions)[]
const known: readonly (keyof KinesisOptions)[] = ['region', 'endpoint', 'allowPlaintext', 'credentials', 'client', 'store', ...numbers]

/** Throws `ERR_CONFIGURATION` that names the option and what it allows. */
export function resolveOptions(options: KinesisOptions): ResolvedOptions {
  checkKnown('kinesis', options, known)
  const { client, credentials, shardShare } = options
  if (client !== undefined) {
    const settled = (['region', 'endpoint', 'allowPlaintext', 'credentials'] as const).find((name) => options[name] !== undefined)
    if (settled !== undefined) throw configuration(`kinesis: option '${settled}' belongs to the client; give the one or the other`)
  }
  const allowPlaintext = booleanOf('allowPlaintext', options.allowPlaintext, false)
  return {
    region: regionOf(options.region),
    endpoint: endpointOf(options.endpoint, allowPlaintext),
    allowPlaintext,
    credentials,
    client,
    timeoutMs: integer('timeoutMs', options.timeoutMs, 10_000, 100, 600_000),
    maxRequestBytes: integer('maxRequestBytes', options.maxRequestBytes, limits.oldRequestBytes, limits.recordBytes, limits.requestBytes),
    shardShare: shardShare === false ? Infinity : number('shardShare', shardShare, 1, 0.01, 1),
    store: storeOf(options.store),
    times: timesOf(options),
    pace: {
      share: options.readShare === false ? Infinity : number('readShare', options.readShare, defaultReadPace.share, 0.02, 1),
      idleMs: integer('readIdleMs', options.readIdleMs, defaultReadPace.idleMs, 200, 60_000),
      pageBytes: integer('readPageBytes', options.readPageBytes, defaultReadPace.pageBytes, 65_536, 10_485_760),
    },
  }
}

const queryNumbers: readonly string[] = numbers
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
    if ((name === 'shardShare' || name === 'readShare') && text === 'false') options[name] = false
    else if (queryNumbers.includes(name)) options[name] = Number(text)
    else if (name === 'allowPlaintext') options[name] = text === 'true' || text === '' ? true : text === 'false' ? false : text
    else options[name] = text
  }
  return options
}

/** From a configuration object or file, which can hold neither clients nor functions. */
export function optionsFromConfiguration(options: Readonly<Record<string, unknown>>): KinesisOptions {
  const code = ['client', 'credentials', 'store'].find((name) => options[name] !== undefined)
  if (code === 'store') throw configuration("kinesis: option 'store' is for code only; give connect() the driver kinesisWith({ store }) in place of kinesis")
  if (code !== undefined) throw configuration(`kinesis: option '${code}' is for code only; the SDK finds credentials in the environment`)
  return options
}

const storeCalls = ['claim', 'renew', 'complete', 'release', 'scan', 'save'] as const

function storeOf(store: unknown): LeaseStore | undefined {
  if (store === undefined) return undefined
  const missing = storeCalls.find((name) => typeof (store as Readonly<Record<string, unknown>> | null)?.[name] !== 'function')
  if (missing === undefined) return store as LeaseStore
  throw configuration(`kinesis: option 'store' must be a lease store, such as memoryStore, redisStore or dynamoStore make; it has no '${missing}'`)
}

function timesOf({ leaseMs: given, checkpointMs, lookMs, listMs, handOverMs }: KinesisOptions): GroupTimes {
  const leaseMs = integer('leaseMs', given, 10_000, 1_000, 600_000)
  const third = Math.floor(leaseMs / 3)
  return {
    leaseMs,
    checkpointMs: integer('checkpointMs', checkpointMs, Math.min(2_000, third), 100, third),
    lookMs: integer('lookMs', lookMs, 2_000, 100, 60_000),
    listMs: integer('listMs', listMs, 60_000, 1_000, 3_600_000),
    handOverMs: integer('handOverMs', handOverMs, 30_000, 0, 3_600_000),
  }
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
  if (url.protocol === 'http:' && !allowPlaintext && !isLoopback(url.hostname))
    throw configuration(`kinesis: http to ${url.hostname} would send messages in clear text; use https, or set allowPlaintext: true`)
  return url.href
}
