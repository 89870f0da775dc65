import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { systemClock } from '@busbar/core'
import { isLoopback, suggestion, type Clock } from '@busbar/core/driver'
import { configuration } from './errors.ts'

/** Options of `dynamoStore`. */
export interface DynamoStoreOptions {
  /** AWS region, such as `eu-central-1`. Default: as the SDK finds it (`AWS_REGION`, the shared configuration file). */
  readonly region?: string
  /** Another endpoint than that of the region, such as a VPC endpoint or an emulator. `https:`; `http:` for loopback addresses only, unless `allowPlaintext` is set. */
  readonly endpoint?: string
  /** Allows `http:` to remote hosts: values travel in clear text. Default false. */
  readonly allowPlaintext?: boolean
  /** Credentials or a provider of them, as for the SDK's client. Default: the SDK's chain of providers. */
  readonly credentials?: NonNullable<DynamoDBClientConfig['credentials']>
  /** A client of your own instead of the four options above; it stays open when the store is closed. Build it with `maxAttempts: 1`, since the store repeats calls by itself: with more, calls reject with `ERR_CONFIGURATION`. */
  readonly client?: DynamoDBClient
  /** Name or ARN of the table. Stores on one table share their claims. 3 to 1,024 characters. Default `busbar-claims`. */
  readonly table?: string
  /** Every call but those on the table itself settles within this time, in milliseconds, whatever happens. 100 to 60,000. Default 5,000. */
  readonly timeoutMs?: number
  /** Most requests that one call of `renew` or `save` has out at once. 1 to 256. Default 32. */
  readonly maxParallel?: number
  /**
   * How long the fence of a key is remembered after its claim has ended, in milliseconds. After that the item may be deleted, and fences start at the service's
   * time, which is higher. 10,000 to 86,400,000. Default 600,000 (ten minutes).
   */
  readonly fenceMemoryMs?: number
  /** Where time limits come from. Leases don't: they run on the service's time. Default: the system's. */
  readonly clock?: Clock
  /** Numbers from 0 to 1 for jitter. Default: `Math.random`. */
  readonly random?: () => number
}

/** {@link DynamoStoreOptions} checked and with defaults. */
export interface ResolvedOptions {
  readonly region: string | undefined
  readonly endpoint: string | undefined
  readonly allowPlaintext: boolean
  readonly credentials: DynamoStoreOptions['credentials']
  readonly client: DynamoDBClient | undefined
  readonly table: string
  readonly timeoutMs: number
  readonly maxParallel: number
  readonly fenceMemoryMs: number
  readonly clock: Clock
  readonly random: () => number
}

const ofClient = ['region', 'endpoint', 'allowPlaintext', 'credentials'] as const
const known: readonly (keyof DynamoStoreOptions)[] = [...ofClient, 'client', 'table', 'timeoutMs', 'maxParallel', 'fenceMemoryMs', 'clock', 'random']

/** Throws `ERR_CONFIGURATION` that names the option and what it allows. */
export function resolveOptions(options: DynamoStoreOptions): ResolvedOptions {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw configuration('an object of options is needed')
  for (const name of Object.keys(options)) {
    if (!(known as readonly string[]).includes(name)) throw configuration(`unknown option '${name.slice(0, 64)}'${suggestion(name, known)}`)
  }
  const { client, credentials, table = 'busbar-claims', clock = systemClock, random = Math.random } = options
  const settled = client === undefined ? undefined : ofClient.find((name) => options[name] !== undefined)
  if (settled !== undefined) throw configuration(`option '${settled}' belongs to the client; give the one or the other`)
  if (client !== undefined && typeof (client as Partial<DynamoDBClient>).send !== 'function') throw configuration("option 'client' must be a DynamoDBClient")
  if (typeof table !== 'string' || !/^[\w.:/-]{3,1024}$/.test(table)) throw configuration("option 'table' must be the name or ARN of a table")
  return {
    region: regionOf(options.region),
    endpoint: endpointOf(options.endpoint, options.allowPlaintext),
    allowPlaintext: options.allowPlaintext === true,
    credentials,
    client,
    table,
    clock,
    random,
    timeoutMs: integer('timeoutMs', options.timeoutMs, 5_000, 100, 60_000),
    maxParallel: integer('maxParallel', options.maxParallel, 32, 1, 256),
    fenceMemoryMs: integer('fenceMemoryMs', options.fenceMemoryMs, 600_000, 10_000, 86_400_000),
  }
}

function integer(name: string, value: unknown, standard: number, least: number, most: number): number {
  if (value === undefined) return standard
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
  throw configuration(`option '${name}' must be a whole number from ${least} to ${most}`)
}

function regionOf(region: unknown): string | undefined {
  if (region === undefined || (typeof region === 'string' && /^[a-z0-9-]{1,64}$/.test(region))) return region
  throw configuration("option 'region' must be the name of a region, such as eu-central-1")
}

function endpointOf(endpoint: unknown, allowPlaintext: unknown = false): string | undefined {
  if (typeof allowPlaintext !== 'boolean') throw configuration("option 'allowPlaintext' must be true or false")
  if (endpoint === undefined) return undefined
  const url = typeof endpoint === 'string' ? URL.parse(endpoint) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw configuration("option 'endpoint' must be a URL, such as https://dynamodb.eu-central-1.amazonaws.com")
  if (url.username !== '' || url.password !== '') throw configuration("option 'endpoint' must hold no credentials")
  if (url.protocol === 'http:' && !allowPlaintext && !isLoopback(url.hostname))
    throw configuration(`http to ${url.hostname} would send values in clear text; use https, or set allowPlaintext: true`)
  return url.href
}
