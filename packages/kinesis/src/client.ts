import { KinesisClient } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { isLoopback } from '@busbar/core/driver'
import { configuration, kinesisError, toBrokerError } from './errors.ts'
import type { ResolvedOptions } from './options.ts'
import { speaksJson, useRecordsJson } from './records-json.ts'

/** The SDK's clients of one link. */
export interface Clients {
  /** For everything but subscriptions. */
  readonly main: KinesisClient
  /** For subscriptions of enhanced fan-out, each of which has a connection to itself for as long as it lasts. */
  readonly subscribing: KinesisClient
  /** They were made here: `main` writes and reads records as JSON by itself, and ends a request that is not answered. */
  readonly own: boolean
  /** Ends the connections of those that were made here. */
  readonly destroy: () => void
}

/** Sockets for everything but subscriptions; the SDK's own default is 50. */
const sockets = 64

/** A client of the program's own does everything. */
export function createClients(options: ResolvedOptions): Clients {
  const { allowPlaintext, client, region, endpoint, credentials, timeoutMs } = options
  if (client !== undefined) return { main: client, subscribing: client, own: false, destroy: () => undefined }
  const common = {
    ...(endpoint !== undefined && { endpoint }),
    // Core retries, with one budget for everything.
    maxAttempts: 1,
  }
  const main = new KinesisClient({
    ...common,
    ...(region !== undefined && { region }),
    ...(credentials !== undefined && { credentials }),
    // Put together once per command instead of once per call.
    cacheMiddleware: true,
    // The SDK's own choice for Kinesis is HTTP/2, with a new connection for each call.
    requestHandler: handlerOf(timeoutMs, sockets, timeoutMs),
  })
  if (speaksJson(main)) useRecordsJson(main)
  const subscribing = new KinesisClient({
    ...common,
    // Found out once for both.
    region: main.config.region,
    credentials: main.config.credentials,
    // HTTP/2, for which a connection per call is right here, is agreed upon by TLS.
    ...(endpoint?.startsWith('http:') === true && { requestHandler: handlerOf(timeoutMs, Infinity, 0) }),
  })
  if (!allowPlaintext) for (const each of [main, subscribing]) refuseClearText(each)
  const destroy = (): void => {
    main.destroy()
    subscribing.destroy()
  }
  return { main, subscribing, own: true, destroy }
}

interface Stack {
  add(middleware: (next: (args: Given) => Promise<unknown>) => (args: Given) => Promise<unknown>, options: object): void
}

interface Given {
  readonly input: object
  readonly request: { readonly protocol?: string; readonly hostname?: string }
}

/** The SDK takes endpoints from the environment and the shared configuration file, too. */
function refuseClearText(client: { readonly middlewareStack: unknown }): void {
  const middleware: Parameters<Stack['add']>[0] = (next) => (args) => {
    const { protocol, hostname = '' } = args.request
    if (protocol !== 'http:' || isLoopback(hostname)) return next(args)
    return Promise.reject(
      configuration(`kinesis: http to ${hostname} would send messages in clear text; use an endpoint with https, or set allowPlaintext: true`),
    )
  }
  // Of the last step, where it is known where to.
  ;(client.middlewareStack as Stack).add(middleware, { step: 'deserialize', priority: 'low', name: 'busbarNoClearText' })
}

/** Keeps it from sending what was given up while it waited for credentials: when they come, that would be sent, and answered to nobody. */
export function guard(client: { readonly middlewareStack: unknown }, isGivenUp: (input: object) => boolean): void {
  const middleware: Parameters<Stack['add']>[0] = (next) => (args) =>
    isGivenUp(args.input) ? Promise.reject(new Error('nobody waits for it any more')) : next(args)
  // Of the last step, when it has been signed.
  ;(client.middlewareStack as Stack).add(middleware, { step: 'deserialize', priority: 'low', name: 'busbarGuard' })
}

/** By HTTP/1.1, over connections that are kept. `socketTimeout`: how long one may say nothing while it is asked; 0 is for ever. */
function handlerOf(connectionTimeout: number, maxSockets: number, socketTimeout: number): NodeHttpHandler {
  const agent = { keepAlive: true, maxSockets }
  return new NodeHttpHandler({ httpAgent: agent, httpsAgent: agent, connectionTimeout, socketTimeout })
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
