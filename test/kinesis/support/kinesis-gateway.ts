import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { forward, forwardEvents, type Answer } from './forward.ts'
import { childrenOf, withShardEnd, type ChildShard } from './shard-end.ts'

/** Stands between drivers and the emulator, and does what only Kinesis itself, or a network, would do. Subscriptions to shards that are split or merged through it end with them. */
export interface KinesisGateway extends AsyncDisposable {
  readonly url: string
  /** Cuts all connections of the drivers' side. */
  cut(): void
  /** Takes no connections until it is told otherwise, and cuts those that are open. */
  refuse(refusing: boolean): void
  /** The next `PutRecords` is done, and its answer is lost. */
  loseNextAnswer(): void
  /** Of the next `PutRecords` with several records to the stream the second one is throttled, and as often as its key comes again in this time. */
  throttlePartOfNext(stream: string, ms: number): void
}

interface PutRecordsBody {
  readonly StreamName?: string
  readonly Records: { readonly PartitionKey?: string; readonly ErrorCode?: string; readonly ErrorMessage?: string }[]
}

/** By streams. */
type Throttled = Map<string, { readonly ms: number; key?: string | undefined; until?: number }>

/** The emulator itself is spared: of a connection that is reset in a bad moment, `kinesis-local` 0.6.2 takes no other any more. */
export async function startKinesisGateway(server: string): Promise<KinesisGateway> {
  let refusing = false
  let losing = false
  let resharded = false
  const throttled: Throttled = new Map()
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? ''
    if (['SplitShard', 'MergeShards', 'UpdateShardCount'].includes(operation)) resharded = true
    const isPut = operation === 'PutRecords'
    const lost = isPut && losing
    if (lost) losing = false
    const body = await buffer(request)
    if (operation === 'SubscribeToShard') {
      // To ask for the shards with each event would be too much for the emulator.
      const children = async (): Promise<readonly ChildShard[]> => (resharded ? childrenNow(server, request, body) : [])
      return forwardEvents(server, request, body, response, (chunks) => withShardEnd(chunks, children))
    }
    const { status, contentType, body: text } = isPut ? await put(server, request, body, throttled) : await forward(server, request, body)
    if (lost || response.destroyed) request.socket.resetAndDestroy()
    else response.writeHead(status, { 'content-type': contentType }).end(text)
  }
  const gateway = createServer((request, response) => void answer(request, response).catch(() => request.socket.resetAndDestroy()))
  gateway.keepAliveTimeout = 60_000
  gateway.on('connection', (socket) => {
    if (refusing) socket.resetAndDestroy()
  })
  gateway.listen(0, '127.0.0.1')
  await once(gateway, 'listening')
  return {
    url: `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`,
    cut: () => gateway.closeAllConnections(),
    refuse(now) {
      refusing = now
      if (now) gateway.closeAllConnections()
    },
    loseNextAnswer: () => void (losing = true),
    throttlePartOfNext: (stream, ms) => void throttled.set(stream, { ms }),
    async [Symbol.asyncDispose]() {
      gateway.close()
      gateway.closeAllConnections()
      await once(gateway, 'close')
    },
  }
}

/** Of the shard that is subscribed to. */
async function childrenNow(server: string, { headers }: IncomingMessage, body: Buffer): Promise<readonly ChildShard[]> {
  const { ConsumerARN, ShardId } = JSON.parse(body.toString()) as Record<'ConsumerARN' | 'ShardId', string>
  const StreamName = /:stream\/([^/]+)\//.exec(ConsumerARN)?.[1]
  const answer = await forward(server, { headers: { ...headers, 'x-amz-target': 'Kinesis_20131202.ListShards' } }, Buffer.from(JSON.stringify({ StreamName })))
  const { Shards } = JSON.parse(answer.body.toString()) as { readonly Shards: Parameters<typeof childrenOf>[1] }
  return childrenOf(ShardId, Shards)
}

async function put(server: string, request: IncomingMessage, body: Buffer, throttled: Throttled): Promise<Answer> {
  const { StreamName = '', Records } = JSON.parse(body.toString()) as PutRecordsBody
  const throttle = throttled.get(StreamName)
  if (throttle === undefined || (throttle.key === undefined && Records.length < 2)) return forward(server, request, body)
  throttle.key ??= Records[1]?.PartitionKey
  throttle.until ??= Date.now() + throttle.ms
  if (Date.now() >= throttle.until) throttled.delete(StreamName)
  const { key } = throttle
  const others = Records.filter(({ PartitionKey }) => PartitionKey !== key)
  const answer = others.length === 0 ? nothing : await forward(server, request, Buffer.from(JSON.stringify({ StreamName, Records: others })))
  const answers = (JSON.parse(answer.body.toString()) as PutRecordsBody).Records
  const all = Records.map(({ PartitionKey }) => (PartitionKey === key ? refused : answers.shift()))
  return { ...answer, body: Buffer.from(JSON.stringify({ FailedRecordCount: Records.length - others.length, Records: all })) }
}

const refused = { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded for shard' }
const nothing: Answer = { status: 200, contentType: 'application/x-amz-json-1.1', body: Buffer.from('{"Records":[]}') }
