import { once, type EventEmitter } from 'node:events'
import { createServer as createHttp1, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttp2 } from 'node:http2'
import type { AddressInfo, Server, Socket } from 'node:net'
import { json } from 'node:stream/consumers'
import { encodeEvent } from './event-stream.ts'

/** How a subscription ends after its event: by a cut connection, in the middle of an event, by an error in the stream, or as after five minutes. */
export type Ending = 'cut' | 'truncated' | 'exception' | 'over'

export interface FanOutServer extends AsyncDisposable {
  readonly url: string
  /** Bytes that the connections have taken. */
  readonly sent: number
  /** Positions that were asked for. */
  readonly asked: string[]
}

export interface FanOutScript {
  readonly stream: string
  readonly texts: readonly string[]
  readonly perEvent: number
  /** Of the first subscriptions; the ones after them go on to the end of the shard. */
  readonly endings: readonly Ending[]
}

interface StartingPosition {
  readonly Type: string
  readonly SequenceNumber?: string
}

/** What both versions of HTTP have alike. */
type Request = Pick<IncomingMessage, 'headers' | 'socket'> & AsyncIterable<Buffer>
type Response = EventEmitter &
  Pick<ServerResponse, 'write' | 'end' | 'writableEnded' | 'destroyed'> & { writeHead(status: number, headers: Record<string, string>): unknown }

const first = 1_000

/** A closed shard, read by `SubscribeToShard`, by either version of HTTP without TLS: what `kinesis-local` cannot show. */
export async function startFanOutServer(protocol: 'http1' | 'http2', { stream, texts, perEvent, endings }: FanOutScript): Promise<FanOutServer> {
  const asked: string[] = []
  const left = [...endings]
  const sockets = new Set<Socket>()
  let sent = 0
  const answers: Record<string, unknown> = {
    DescribeStreamSummary: { StreamDescriptionSummary: { StreamStatus: 'ACTIVE', StreamARN: `arn:aws:kinesis:us-east-1:123456789012:stream/${stream}` } },
    ListShards: {
      Shards: [
        {
          ShardId: 'shard-0',
          HashKeyRange: { StartingHashKey: '0', EndingHashKey: String((1n << 128n) - 1n) },
          SequenceNumberRange: { StartingSequenceNumber: String(first), EndingSequenceNumber: String(first + texts.length) },
        },
      ],
    },
    DescribeStreamConsumer: { ConsumerDescription: { ConsumerStatus: 'ACTIVE', ConsumerARN: 'arn:consumer', ConsumerName: 'c', ConsumerCreationTimestamp: 1 } },
  }

  async function subscribe({ Type, SequenceNumber }: StartingPosition, response: Response, cut: () => void): Promise<void> {
    asked.push(Type)
    const ending = left.shift()
    const write = async (bytes: Uint8Array): Promise<void> => {
      if (!response.write(bytes)) await room(response)
      sent += bytes.length
    }
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' })
    await write(encodeEvent('event', 'initial-response', {}))
    let index = Type === 'TRIM_HORIZON' ? 0 : Number(SequenceNumber) - first + (Type === 'AFTER_SEQUENCE_NUMBER' ? 1 : 0)
    while (!response.writableEnded && !response.destroyed) {
      const records = texts.slice(index, index + perEvent).map((text, offset) => ({
        SequenceNumber: String(first + index + offset),
        PartitionKey: 'k',
        Data: Buffer.from(text).toString('base64'),
        ApproximateArrivalTimestamp: 1_767_225_600,
      }))
      index += records.length
      const ended = index >= texts.length
      const rest = ended
        ? { ChildShards: [{ ShardId: 'child', ParentShards: ['s'], HashKeyRange: {} }] }
        : { ContinuationSequenceNumber: String(first + index - 1) }
      const event = encodeEvent('event', 'SubscribeToShardEvent', { Records: records, MillisBehindLatest: 0, ...rest })
      await write(ending === 'truncated' ? event.subarray(0, -10) : event)
      if (ending === 'exception') await write(encodeEvent('exception', 'InternalFailureException', { message: 'broken' }))
      if (ending === 'cut') return void setTimeout(cut, 20)
      if (ending !== undefined || ended) response.end()
    }
  }

  const handle = async (request: Request, response: Response): Promise<void> => {
    const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? ''
    const input = (await json(request)) as { readonly StartingPosition: StartingPosition }
    if (operation === 'SubscribeToShard') return subscribe(input.StartingPosition, response, () => request.socket.destroy())
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(JSON.stringify(answers[operation]))
  }
  const onRequest = (request: Request, response: Response): void => {
    response.on('error', () => undefined)
    handle(request, response).catch(() => request.socket.destroy())
  }
  const server: Server = protocol === 'http1' ? createHttp1().on('request', onRequest) : createHttp2().on('request', onRequest)
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    get sent() {
      return sent
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** Resolves when it can be written to again, or never will. */
async function room(response: Response): Promise<void> {
  const waiting = new AbortController()
  const { signal } = waiting
  await Promise.race(['drain', 'close'].map((event) => once(response, event, { signal }).catch(() => undefined)))
  waiting.abort()
}
