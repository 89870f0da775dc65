import type { SNSClient, SNSClientConfig } from '@aws-sdk/client-sns'
import type { SQSClient } from '@aws-sdk/client-sqs'
import type { SqsOptions } from '@busbar/sqs'
import { OptionChecks, resolveTimes, timeNames, type QueueTimes } from '@busbar/sqs/shared'
import { configuration } from './errors.ts'

/** Options of {@link sns}: those for topics, and those of `@busbar/sqs` for the queues of subscriptions. */
export interface SnsOptions extends Pick<
  SqsOptions,
  'region' | 'allowPlaintext' | 'visibilityTimeoutMs' | 'waitTimeMs' | 'maxPollers' | 'timeoutMs' | 'retryMaxMs' | 'cloudWatch'
> {
  /**
   * Twelve digits: the account of the topics, which SNS wants to be told in every call. Default: as the SDK's credentials say, which know it from `AWS_ACCOUNT_ID`,
   * from an assumed role or from single sign-on. Topics that a route names by ARN need none.
   */
  readonly accountId?: string
  /** Another endpoint of SNS than that of the region, as {@link SqsOptions.endpoint}. */
  readonly endpoint?: string
  /** The same of SQS, for the queues of subscriptions. Default: {@link SnsOptions.endpoint}, as emulators have one for both; VPC endpoints are two. */
  readonly queueEndpoint?: string
  /** Credentials or a provider of them, as for the SDK's clients. Default: the SDK's chain of providers. Not in configuration files and URLs. */
  readonly credentials?: NonNullable<SNSClientConfig['credentials']>
  /** A client of your own for SNS instead of the options above, with `maxAttempts: 1`; with more, the start is refused. It is not destroyed when the broker closes. Needs {@link SnsOptions.queueClient}. */
  readonly client?: SNSClient
  /** With {@link SnsOptions.client}: a client of your own for SQS. */
  readonly queueClient?: SQSClient
  /** A client of your own for long polls, as {@link SqsOptions.pollingClient}. Only with {@link SnsOptions.queueClient}. */
  readonly pollingClient?: SQSClient
}

/** {@link SnsOptions} checked and with defaults. */
export interface ResolvedOptions extends QueueTimes {
  readonly region: string | undefined
  readonly endpoint: string | undefined
  readonly allowPlaintext: boolean
  readonly credentials: SnsOptions['credentials']
  readonly accountId: string | undefined
  readonly client: SNSClient | undefined
  /** For the driver of the queues. */
  readonly queues: SqsOptions
}

const known: readonly (keyof SnsOptions)[] = [
  'region',
  'accountId',
  'endpoint',
  'queueEndpoint',
  'allowPlaintext',
  'credentials',
  'client',
  'queueClient',
  'pollingClient',
  'cloudWatch',
  'visibilityTimeoutMs',
  'waitTimeMs',
  'maxPollers',
  'timeoutMs',
  'retryMaxMs',
]
const code = ['client', 'queueClient', 'pollingClient', 'credentials', 'cloudWatch'] as const

export const checks: OptionChecks = new OptionChecks('sns', configuration)

/** Throws `ERR_CONFIGURATION` that names the option and what it allows. */
export function resolveOptions(options: SnsOptions): ResolvedOptions {
  checks.known('sns', options, known)
  checkClients(options)
  const { client, queueClient, pollingClient, credentials, cloudWatch } = options
  const allowPlaintext = checks.boolean('allowPlaintext', options.allowPlaintext, false)
  const region = checks.region(options.region)
  const endpoint = checks.endpoint('endpoint', options.endpoint, allowPlaintext)
  const queueEndpoint = checks.endpoint('queueEndpoint', options.queueEndpoint, allowPlaintext) ?? endpoint
  const times = resolveTimes(checks, options)
  const own = {
    ...(region !== undefined && { region }),
    ...(queueEndpoint !== undefined && { endpoint: queueEndpoint }),
    ...(allowPlaintext && { allowPlaintext }),
    ...(credentials !== undefined && { credentials }),
  }
  const given = { ...(queueClient !== undefined && { client: queueClient }), ...(pollingClient !== undefined && { pollingClient }) }
  return {
    region,
    endpoint,
    allowPlaintext,
    credentials,
    accountId: accountOf(options.accountId),
    client,
    ...times,
    queues: { ...times, ...(client === undefined ? own : given), ...(cloudWatch !== undefined && { cloudWatch }) },
  }
}

/**
 * Options in a URL: `sns://eu-central-1?accountId=123456789012&waitTimeMs=10000`. The host is the region, which `sns:` alone leaves to the SDK; the parameters are named
 * as in {@link SnsOptions}. Credentials do not belong there. Throws `ERR_CONFIGURATION` without secrets.
 */
export function optionsFromUrl(url: URL): SnsOptions {
  return checks.fromUrl(url, timeNames, ['accountId', 'endpoint', 'queueEndpoint'])
}

/** From a configuration object or file, which can hold neither clients nor functions. */
export function optionsFromConfiguration(options: Readonly<Record<string, unknown>>): SnsOptions {
  return checks.withoutCode(options, code)
}

function checkClients(options: SnsOptions): void {
  const { client, queueClient, pollingClient } = options
  const settled = (['region', 'endpoint', 'queueEndpoint', 'allowPlaintext', 'credentials'] as const).find((name) => options[name] !== undefined)
  if (client !== undefined && settled !== undefined) throw checks.refused(settled, 'belongs to the client; give the one or the other')
  if ((client === undefined) !== (queueClient === undefined))
    throw configuration("sns: the options 'client' and 'queueClient' go together: topics are of SNS, the queues of subscriptions of SQS")
  if (pollingClient !== undefined && queueClient === undefined) throw checks.refused('pollingClient', "needs the option 'queueClient'")
}

function accountOf(value: unknown): string | undefined {
  const account = checks.text('accountId', value)
  if (account === undefined || /^\d{12}$/.test(account)) return account
  throw checks.refused('accountId', 'must be twelve digits')
}
