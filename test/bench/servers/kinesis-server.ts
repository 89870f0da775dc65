import { startServerProcess, type ServerUsage } from './server-process.ts'

/**
 * A server that speaks as much of the protocol of Kinesis as its clients need to send and to read, in a process of its own: the emulator is slower than its clients.
 * It counts what it is sent. What is read from it was never written, every shard holds as many records as it is told; or it keeps what it is sent.
 */
export interface KinesisServer extends AsyncDisposable {
  readonly endpoint: string
  /** Of a DynamoDB beside it. */
  readonly stateEndpoint: string
  usage(): Promise<KinesisUsage>
}

export interface KinesisUsage extends ServerUsage {
  /** Sent to it, those in aggregated records counted one by one. */
  readonly messages: number
  /** Sent to it, an aggregated one counted as one. */
  readonly records: number
}

/** What its process is told to be. */
export interface KinesisShape {
  readonly shards: number
  /** In each shard to be read, if it does not keep what it is sent. */
  readonly recordsPerShard: number
  /** Keeps what it is sent, and gives it to be read. */
  readonly stores: boolean
  /** Of each record's data. */
  readonly recordBytes: number
}

export async function startKinesisServer(shape: KinesisShape): Promise<KinesisServer> {
  const server = await startServerProcess<Pick<KinesisServer, 'endpoint' | 'stateEndpoint'>>(
    'Kinesis',
    new URL('./kinesis-server-process.ts', import.meta.url),
    [JSON.stringify(shape)],
  )
  return { ...server.ready, usage: () => server.ask('usage'), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}
