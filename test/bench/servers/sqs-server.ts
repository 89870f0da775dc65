import { startServerProcess, type ServerUsage } from './server-process.ts'

/** What a client of a server of SQS is made with. */
export interface SqsAccess {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** A server of SQS in a process of its own. */
export interface SqsServer extends AsyncDisposable {
  readonly access: SqsAccess
  readonly version: string
  /** Requests that it was sent so far, and CPU that it has used, in microseconds. */
  usage(): Promise<ServerUsage>
}

/** What the process says when it is ready. */
export interface Ready {
  readonly access: SqsAccess
  readonly version: string
}

/** `latencyMs`: how much later every request arrives, as from farther away. */
export async function startSqsServer(latencyMs: number = 0): Promise<SqsServer> {
  const server = await startServerProcess<Ready>('SQS', new URL('./sqs-server-process.ts', import.meta.url), [String(latencyMs)])
  return { ...server.ready, usage: () => server.ask('usage'), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}
