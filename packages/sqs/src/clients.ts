import { SQSClient } from '@aws-sdk/client-sqs'
import { sqsError, toBrokerError } from './errors.ts'
import type { ResolvedOptions } from './options.ts'

/** The SDK's clients of one link. */
export interface Clients {
  readonly main: SQSClient
  /** On sockets of its own, so that waiting receives never keep a send or an ack from its connection. */
  readonly polling: SQSClient
  /** Ends the connections of those that were made here. */
  destroy(): void
}

/** Sockets for everything but long polls; the SDK's own default is 50. */
const sockets = 64

export function createClients(options: ResolvedOptions): Clients {
  const { client, pollingClient } = options
  if (client !== undefined) return { main: client, polling: pollingClient ?? client, destroy: () => undefined }
  const main = createClient(options, sockets)
  const polling = createClient(options, Infinity)
  const destroy = (): void => {
    main.destroy()
    polling.destroy()
  }
  return { main, polling, destroy }
}

/** Finds out before the first message whether there is a region and who we are. Throws `ERR_CONFIGURATION`. */
export async function checkIdentity({ main }: Clients): Promise<void> {
  try {
    await main.config.region()
  } catch (error) {
    throw sqsError('ERR_CONFIGURATION', "sqs: there is no region; set the option 'region' or AWS_REGION", { cause: error })
  }
  try {
    await main.config.credentials()
  } catch (error) {
    throw toBrokerError(error, 'Looking for credentials')
  }
}

function createClient({ region, endpoint, credentials, timeoutMs }: ResolvedOptions, maxSockets: number): SQSClient {
  const agent = { keepAlive: true, maxSockets }
  return new SQSClient({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials !== undefined && { credentials }),
    // Core retries, with one budget for everything.
    maxAttempts: 1,
    requestHandler: { httpAgent: agent, httpsAgent: agent, connectionTimeout: timeoutMs },
  })
}
