import { isIP } from 'node:net'
import { suggestion } from '@busbar/core/driver'
import type { SQSClient, SQSClientConfig } from '@aws-sdk/client-sqs'
import { configuration } from './errors.ts'
import type { CloudWatchLike } from './oldest-age.ts'
import { limits } from './limits.ts'
import { booleanOf, checkKnown, integer, textOf, wholeSeconds } from './option-checks.ts'

/** Options of {@link sqs}. */
export interface SqsOptions {
  /** AWS region, such as `eu-central-1`. Default: as the SDK finds it (`AWS_REGION`, the shared configuration file). */
  readonly region?: string
  /**
   * Another endpoint than that of the region, such as a VPC endpoint or an emulator. `https:`; `http:` for loopback addresses only, unless
   * {@link SqsOptions.allowPlaintext} is set. Default: that of the region.
   */
  readonly endpoint?: string
  /** Allows `http:` to remote hosts: messages travel in clear text. Default false. */
  readonly allowPlaintext?: boolean
  /** Credentials or a provider of them, as for the SDK's client. Default: the SDK's chain of providers. Not in configuration files and URLs. */
  readonly credentials?: NonNullable<SQSClientConfig['credentials']>
  /**
   * A client of your own instead of the four options above. Build it with `maxAttempts: 1`, since core retries by itself. It is not destroyed when the broker closes.
   * It also carries the long polls, unless {@link SqsOptions.pollingClient} is given: its agent needs a socket for each of them.
   */
  readonly client?: SQSClient
  /** A client of your own for long polls. Only with {@link SqsOptions.client}. */
  readonly pollingClient?: SQSClient
  /**
   * A client of CloudWatch for the age of the oldest message in `broker.stats`, such as `new CloudWatch({ region })` of `@aws-sdk/client-cloudwatch`. The age is some
   * minutes old and rounded by the service. Default: none, and no age is told. Not in configuration files and URLs.
   */
  readonly cloudWatch?: CloudWatchLike
  /** How long a received message stays hidden from others unless it is extended, in milliseconds. 1,000 to 43,200,000 (12 hours); whole seconds. Default 30,000. Maps to `VisibilityTimeout` of each receive. */
  readonly visibilityTimeoutMs?: number
  /** How long a receive waits for messages, in milliseconds. 1,000 to 20,000; whole seconds. Default 20,000: an idle consumer costs one call in that time. Maps to `WaitTimeSeconds`. */
  readonly waitTimeMs?: number
  /** Most receives that one consumer has out at once. 1 to 50. Default 5. It begins with one and uses more as long as they come back full. */
  readonly maxPollers?: number
  /** Bounds every call but long polls, in milliseconds; a long poll may take this longer than it waits. 100 to 600,000. Default 10,000. */
  readonly timeoutMs?: number
  /** Longest wait between two attempts of a receive that fails, in milliseconds. 100 to 600,000. Default 10,000. */
  readonly retryMaxMs?: number
  /** Largest message with its attributes, in bytes. 1,024 to 1,048,576 (the limit of the service). Default 1,048,576; a queue's own `MaximumMessageSize` narrows it. */
  readonly maxMessageBytes?: number
}

/** {@link SqsOptions} checked and with defaults. */
export interface ResolvedOptions {
  readonly region: string | undefined
  readonly endpoint: string | undefined
  readonly credentials: SqsOptions['credentials']
  readonly client: SQSClient | undefined
  readonly pollingClient: SQSClient | undefined
  readonly cloudWatch: CloudWatchLike | undefined
  readonly visibilityTimeoutMs: number
  readonly waitTimeMs: number
  readonly maxPollers: number
  readonly timeoutMs: number
  readonly retryMaxMs: number
  readonly maxMessageBytes: number
}

const known: readonly (keyof SqsOptions)[] = [
  'region',
  'endpoint',
  'allowPlaintext',
  'credentials',
  'client',
  'pollingClient',
  'cloudWatch',
  'visibilityTimeoutMs',
  'waitTimeMs',
  'maxPollers',
  'timeoutMs',
  'retryMaxMs',
  'maxMessageBytes',
]

/** Throws `ERR_CONFIGURATION` that names the option and what it allows. */
export function resolveOptions(options: SqsOptions): ResolvedOptions {
  checkKnown('sqs', options, known)
  const { client, pollingClient, credentials } = options
  if (client !== undefined) {
    const settled = (['region', 'endpoint', 'allowPlaintext', 'credentials'] as const).find((name) => options[name] !== undefined)
    if (settled !== undefined) throw configuration(`sqs: option '${settled}' belongs to the client; give the one or the other`)
  } else if (pollingClient !== undefined) throw configuration("sqs: option 'pollingClient' needs the option 'client'")
  return {
    region: regionOf(options.region),
    endpoint: endpointOf(options.endpoint, booleanOf('allowPlaintext', options.allowPlaintext, false)),
    credentials,
    client,
    pollingClient,
    cloudWatch: cloudWatchOf(options.cloudWatch),
    visibilityTimeoutMs: wholeSeconds('visibilityTimeoutMs', options.visibilityTimeoutMs, 30_000, 1_000, limits.visibilityMs),
    waitTimeMs: wholeSeconds('waitTimeMs', options.waitTimeMs, limits.waitMs, 1_000, limits.waitMs),
    maxPollers: integer('maxPollers', options.maxPollers, 5, 1, 50),
    timeoutMs: integer('timeoutMs', options.timeoutMs, 10_000, 100, 600_000),
    retryMaxMs: integer('retryMaxMs', options.retryMaxMs, 10_000, 100, 600_000),
    maxMessageBytes: integer('maxMessageBytes', options.maxMessageBytes, limits.messageBytes, 1_024, limits.messageBytes),
  }
}

const queryNumbers = ['visibilityTimeoutMs', 'waitTimeMs', 'maxPollers', 'timeoutMs', 'retryMaxMs', 'maxMessageBytes'] as const
const queryKnown: readonly string[] = [...queryNumbers, 'endpoint', 'allowPlaintext']

/**
 * Options in a URL: `sqs://eu-central-1?waitTimeMs=10000`. The host is the region, which `sqs:` alone leaves to the SDK; the parameters are named as in {@link SqsOptions}.
 * Credentials do not belong there. Throws `ERR_CONFIGURATION` without secrets.
 */
export function optionsFromUrl(url: URL): SqsOptions {
  if (url.username !== '' || url.password !== '') throw configuration("sqs URL: credentials don't belong in a URL; the SDK finds them in the environment")
  if (url.port !== '' || !['', '/'].includes(url.pathname)) throw configuration('sqs URL: sqs://region?option=value is the form; queues are named by routes')
  const options: Record<string, unknown> = url.hostname === '' ? {} : { region: url.hostname }
  for (const [name, text] of url.searchParams) {
    if (!queryKnown.includes(name)) throw configuration(`sqs URL: unknown parameter '${name.slice(0, 64)}'${suggestion(name, queryKnown)}`)
    if ((queryNumbers as readonly string[]).includes(name)) options[name] = Number(text)
    else if (name === 'allowPlaintext') options[name] = text === 'true' || text === '' ? true : text === 'false' ? false : text
    else options[name] = text
  }
  return options
}

/** From a configuration object or file, which can hold neither clients nor functions. */
export function optionsFromConfiguration(options: Readonly<Record<string, unknown>>): SqsOptions {
  const code = ['client', 'pollingClient', 'credentials', 'cloudWatch'].find((name) => options[name] !== undefined)
  if (code !== undefined) throw configuration(`sqs: option '${code}' is for code only; the SDK finds credentials in the environment`)
  return options
}

function cloudWatchOf(value: CloudWatchLike | undefined): CloudWatchLike | undefined {
  if (value === undefined || typeof value?.getMetricStatistics === 'function') return value
  throw configuration("sqs: option 'cloudWatch' must be a client with the method getMetricStatistics, such as new CloudWatch({ region })")
}

function regionOf(value: unknown): string | undefined {
  const region = textOf('region', value)
  if (region === undefined || /^[a-z0-9-]{1,64}$/.test(region)) return region
  throw configuration("sqs: option 'region' must be the name of a region, such as eu-central-1")
}

function endpointOf(value: unknown, allowPlaintext: boolean): string | undefined {
  const text = textOf('endpoint', value)
  if (text === undefined) return undefined
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) throw configuration("sqs: option 'endpoint' must be a URL, such as https://sqs.example.com")
  if (url.username !== '' || url.password !== '') throw configuration("sqs: option 'endpoint' must hold no credentials")
  if (url.protocol === 'http:' && !allowPlaintext && !isLoopback(url.hostname.replace(/^\[|\]$/g, '')))
    throw configuration(`sqs: http to ${url.hostname} would send messages in clear text; use https, or set allowPlaintext: true`)
  return url.href
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
