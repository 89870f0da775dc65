import { SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs'
import type { ErrorMapper } from './aws-errors.ts'
import type { ResolvedOptions } from './options.ts'

/** The SDK's clients of one link. */
export interface Clients {
  readonly main: SQSClient
  /** The user's, for long polls. `undefined`: both are ours, and each receiver makes one of its own, so that waiting receives never keep a send or an ack from its connection. */
  readonly polling: SQSClient | undefined
  /** Ends the connections of those that were made here. */
  destroy(): void
}

/** What a client is made of. */
export type ClientOptions = Pick<ResolvedOptions, 'region' | 'endpoint' | 'credentials' | 'timeoutMs'>

/** An endpoint that the environment names is for all calls: by default the SDK turns to the host in the URL of a queue, and says so on the console, call by call. */
export const byEndpoint: SQSClientConfig = { useQueueUrlAsEndpoint: false }

/** Sockets for everything but long polls; the SDK's own default is 50. */
const sockets = 64

export function createClients(options: ResolvedOptions): Clients {
  const { client, pollingClient } = options
  if (client !== undefined) return { main: client, polling: pollingClient ?? client, destroy: () => undefined }
  const main = new SQSClient({ ...clientConfig(options), ...byEndpoint })
  return { main, polling: undefined, destroy: () => main.destroy() }
}

/** What a client of the SDK finds out by itself. */
interface Identity {
  readonly region: () => Promise<string>
  readonly credentials: () => Promise<{ readonly accountId?: string }>
}

/** Finds out before the first message whether there is a region and who we are. Throws `ERR_CONFIGURATION`, in the name of `driver`. */
export async function checkIdentity(config: Identity, driver: string, errors: ErrorMapper): Promise<void> {
  try {
    await config.region()
  } catch (error) {
    throw errors.make('ERR_CONFIGURATION', `${driver}: there is no region; set the option 'region' or AWS_REGION`, { cause: error })
  }
  try {
    await config.credentials()
  } catch (error) {
    throw errors.toBrokerError(error, 'Looking for credentials')
  }
}

/** What a client says of its attempts; one that only looks like a client may say nothing. */
interface Attempts {
  readonly maxAttempts?: () => Promise<number>
}

/**
 * Attempts of the SDK multiply those of core, which the retry budget cannot count. Throws `ERR_CONFIGURATION` for a client of the program's own that makes more than one,
 * in the name of `driver`.
 */
export async function checkAttempts(client: { readonly config?: Attempts }, driver: string, errors: ErrorMapper): Promise<void> {
  const attempts = (await client.config?.maxAttempts?.()) ?? 1
  if (attempts > 1)
    throw errors.make(
      'ERR_CONFIGURATION',
      `${driver}: the client makes ${attempts} attempts of each call, which core repeats as well; build it with maxAttempts: 1`,
    )
}

/** For any client of the SDK. `waitMs`: how long the service itself may take before it answers. */
export function clientConfig({ region, endpoint, credentials, timeoutMs }: ClientOptions, maxSockets: number = sockets, waitMs: number = 0): SQSClientConfig {
  const agent = { keepAlive: true, maxSockets }
  return {
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials !== undefined && { credentials }),
    // Core retries, with one budget for everything, and waits where it must: the mode `adaptive`, which the environment may ask for, would limit some calls and not others.
    maxAttempts: 1,
    retryMode: 'standard',
    // Put together once per command instead of once per call, which takes as long as a few messages.
    cacheMiddleware: true,
    requestHandler: { httpAgent: agent, httpsAgent: agent, connectionTimeout: timeoutMs, socketTimeout: timeoutMs + waitMs },
  }
}
