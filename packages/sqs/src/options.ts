import type { SQSClient, SQSClientConfig } from '@aws-sdk/client-sqs'
import { configuration } from './errors.ts'
import type { CloudWatchLike } from './oldest-age.ts'
import { limits } from './limits.ts'
import type { OptionChecks } from './checks.ts'
import { checks } from './option-checks.ts'

/** Options of {@link sqs}. */
export interface SqsOptions {
  /** AWS region, such as `eu-central-1`. Default: as the SDK finds it (`AWS_REGION`, the shared configuration file). */
  readonly region?: string
  /**
   * Another endpoint than that of the region, such as a VPC endpoint or an emulator. `https:`; `http:` for loopback addresses only, unless
   * {@link SqsOptions.allowPlaintext} is set. Default: as the SDK finds it (`AWS_ENDPOINT_URL_SQS`, `AWS_ENDPOINT_URL`, the shared configuration file), under the same
   * condition, or else that of the region.
   */
  readonly endpoint?: string
  /** Allows `http:` to remote hosts: messages travel in clear text. Default false. */
  readonly allowPlaintext?: boolean
  /** Credentials or a provider of them, as for the SDK's client. Default: the SDK's chain of providers. Not in configuration files and URLs. */
  readonly credentials?: NonNullable<SQSClientConfig['credentials']>
  /**
   * A client of your own instead of the four options above. Build it with `maxAttempts: 1`, since core retries by itself; with more, the start is refused. It is not destroyed when the broker closes.
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
  /**
   * Largest message with its attributes, and all messages of one call, in bytes. 1,024 to 1,048,576 (the limit of the service). Default 1,048,576; a queue's own
   * `MaximumMessageSize` narrows it for messages.
   */
  readonly maxMessageBytes?: number
}

/** {@link SqsOptions} checked and with defaults. */
export interface ResolvedOptions {
  readonly region: string | undefined
  readonly endpoint: string | undefined
  readonly allowPlaintext: boolean
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
  checks.known('sqs', options, known)
  const { client, pollingClient, credentials } = options
  if (client !== undefined) {
    const settled = (['region', 'endpoint', 'allowPlaintext', 'credentials'] as const).find((name) => options[name] !== undefined)
    if (settled !== undefined) throw configuration(`sqs: option '${settled}' belongs to the client; give the one or the other`)
  } else if (pollingClient !== undefined) throw configuration("sqs: option 'pollingClient' needs the option 'client'")
  const allowPlaintext = checks.boolean('allowPlaintext', options.allowPlaintext, false)
  return {
    region: checks.region(options.region),
    endpoint: checks.endpoint('endpoint', options.endpoint, allowPlaintext),
    allowPlaintext,
    credentials,
    client,
    pollingClient,
    cloudWatch: cloudWatchOf(options.cloudWatch),
    ...resolveTimes(checks, options),
    maxMessageBytes: checks.integer('maxMessageBytes', options.maxMessageBytes, limits.messageBytes, 1_024, limits.messageBytes),
  }
}

/** What a driver that receives from queues takes, whatever its name. */
export type QueueTimes = Pick<ResolvedOptions, 'visibilityTimeoutMs' | 'waitTimeMs' | 'maxPollers' | 'timeoutMs' | 'retryMaxMs'>

export const timeNames: readonly (keyof QueueTimes)[] = ['visibilityTimeoutMs', 'waitTimeMs', 'maxPollers', 'timeoutMs', 'retryMaxMs']

/** Throws as `checks` do. */
export function resolveTimes(checks: OptionChecks, options: Partial<QueueTimes>): QueueTimes {
  return {
    visibilityTimeoutMs: checks.wholeSeconds('visibilityTimeoutMs', options.visibilityTimeoutMs, 30_000, 1_000, limits.visibilityMs),
    waitTimeMs: checks.wholeSeconds('waitTimeMs', options.waitTimeMs, limits.waitMs, 1_000, limits.waitMs),
    maxPollers: checks.integer('maxPollers', options.maxPollers, 5, 1, 50),
    timeoutMs: checks.integer('timeoutMs', options.timeoutMs, 10_000, 100, 600_000),
    retryMaxMs: checks.integer('retryMaxMs', options.retryMaxMs, 10_000, 100, 600_000),
  }
}

/**
 * Options in a URL: `sqs://eu-central-1?waitTimeMs=10000`. The host is the region, which `sqs:` alone leaves to the SDK; the parameters are named as in {@link SqsOptions}.
 * Credentials do not belong there. Throws `ERR_CONFIGURATION` without secrets.
 */
export function optionsFromUrl(url: URL): SqsOptions {
  return checks.fromUrl(url, [...timeNames, 'maxMessageBytes'], ['endpoint'])
}

/** From a configuration object or file, which can hold neither clients nor functions. */
export function optionsFromConfiguration(options: Readonly<Record<string, unknown>>): SqsOptions {
  return checks.withoutCode(options, ['client', 'pollingClient', 'credentials', 'cloudWatch'])
}

function cloudWatchOf(value: CloudWatchLike | undefined): CloudWatchLike | undefined {
  if (value === undefined || typeof value?.getMetricStatistics === 'function') return value
  throw configuration("sqs: option 'cloudWatch' must be a client with the method getMetricStatistics, such as new CloudWatch({ region })")
}
