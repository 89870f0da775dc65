import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { forward, type Answer } from '../../kinesis/support/forward.ts'

/** Stands between the drivers of one case and the emulator, and does what only Kinesis itself, or a network, would do. */
export interface KinesisGateway extends AsyncDisposable {
  readonly url: string
  /** Cuts all connections of the drivers' side. */
  cut(): void
  /** Takes no connections until it is told otherwise, and cuts those that are open. */
  refuse(refusing: boolean): void
  /** The next `PutRecords` is done, and its answer is lost. */
  loseNextAnswer(): void
  /** Of the next `PutRecords` with several records to the stream the second one is throttled, and as often as it comes again: the driver tries it for five seconds. */
  throttlePartOfNext(stream: string): void
}

interface PutRecordsBody {
  readonly StreamName?: string
  readonly Records: { readonly PartitionKey?: string; readonly ErrorCode?: string; readonly ErrorMessage?: string }[]
}

/** By streams: the partition key that is throttled; `undefined` until there is one. */
type Throttled = Map<string, string | undefined>

/** The emulator itself is spared: of a connection that is reset in a bad moment, `kinesis-local` 0.6.2 takes no other any more. */
export async function startKinesisGateway(server: string): Promise<KinesisGateway> {
  let refusing = false
  let losing = false
  const throttled: Throttled = new Map()
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const isPut = String(request.headers['x-amz-target']).endsWith('.PutRecords')
    const lost = isPut && losing
    if (lost) losing = false
    const body = await buffer(request)
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
    throttlePartOfNext: (stream) => void throttled.set(stream, undefined),
    async [Symbol.asyncDispose]() {
      gateway.close()
      gateway.closeAllConnections()
      await once(gateway, 'close')
    },
  }
}

async function put(server: string, request: IncomingMessage, body: Buffer, throttled: Throttled): Promise<Answer> {
  const { StreamName = '', Records } = JSON.parse(body.toString()) as PutRecordsBody
  if (!throttled.has(StreamName)) return forward(server, request, body)
  const key = throttled.get(StreamName) ?? Records[1]?.PartitionKey
  throttled.set(StreamName, key)
  const others = Records.filter(({ PartitionKey }) => PartitionKey !== key)
  const answer = others.length === 0 ? nothing : await forward(server, request, Buffer.from(JSON.stringify({ StreamName, Records: others })))
  const answers = (JSON.parse(answer.body.toString()) as PutRecordsBody).Records
  const all = Records.map(({ PartitionKey }) => (PartitionKey === key ? refused : answers.shift()))
  return { ...answer, body: Buffer.from(JSON.stringify({ FailedRecordCount: Records.length - others.length, Records: all })) }
}

const refused = { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded for shard' }
const nothing: Answer = { status: 200, contentType: 'application/x-amz-json-1.1', body: Buffer.from('{"Records":[]}') }
