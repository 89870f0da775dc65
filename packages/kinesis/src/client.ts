import { KinesisClient } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { kinesisError, toBrokerError } from './errors.ts'
import type { ResolvedOptions } from './options.ts'

/** The SDK's client of one link. */
export function createClient({ region, endpoint, credentials, timeoutMs }: ResolvedOptions): KinesisClient {
  return new KinesisClient({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials !== undefined && { credentials }),
    // Core retries, with one budget for everything.
    maxAttempts: 1,
    // HTTP/2, the SDK's own choice, is agreed upon by TLS.
    ...(endpoint?.startsWith('http:') === true && { requestHandler: new NodeHttpHandler({ connectionTimeout: timeoutMs }) }),
  })
}

/** Attempts of the SDK multiply those of core, which the retry budget cannot count. Throws `ERR_CONFIGURATION` for a client that makes more than one. */
export async function checkAttempts(client: { readonly config?: { readonly maxAttempts?: () => Promise<number> } }): Promise<void> {
  // One that only looks like a client may say nothing.
  const attempts = (await client.config?.maxAttempts?.()) ?? 1
  if (attempts > 1)
    throw kinesisError(
      'ERR_CONFIGURATION',
      `kinesis: the client makes ${attempts} attempts of each call, which core repeats as well; build it with maxAttempts: 1`,
    )
}

/** Finds out before the first message whether there is a region and who we are. Throws `ERR_CONFIGURATION`. */
export async function checkIdentity({ config }: KinesisClient): Promise<void> {
  try {
    await config.region()
  } catch (error) {
    throw kinesisError('ERR_CONFIGURATION', "kinesis: there is no region; set the option 'region' or AWS_REGION", { cause: error })
  }
  try {
    await config.credentials()
  } catch (error) {
    throw toBrokerError(error, 'Looking for credentials')
  }
}
