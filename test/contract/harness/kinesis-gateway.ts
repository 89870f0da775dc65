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
  /** Of the next `PutRecords` with several records to the stream the second one is throttled. */
  throttlePartOfNext(stream: string): void
}

interface PutRecordsBody {
  readonly StreamName?: string
  readonly Records: unknown[]
}

/** The emulator itself is spared: of a connection that is reset in a bad moment, `kinesis-local` 0.6.2 takes no other any more. */
export async function startKinesisGateway(server: string): Promise<KinesisGateway> {
  let refusing = false
  let losing = false
  const throttling = new Set<string>()
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const isPut = String(request.headers['x-amz-target']).endsWith('.PutRecords')
    const lost = isPut && losing
    if (lost) losing = false
    const body = await buffer(request)
    const { status, contentType, body: text } = isPut ? await put(server, request, body, throttling) : await forward(server, request, body)
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
    throttlePartOfNext: (stream) => void throttling.add(stream),
    async [Symbol.asyncDispose]() {
      gateway.close()
      gateway.closeAllConnections()
      await once(gateway, 'close')
    },
  }
}

async function put(server: string, request: IncomingMessage, body: Buffer, throttling: Set<string>): Promise<Answer> {
  const { StreamName = '', Records } = JSON.parse(body.toString()) as PutRecordsBody
  if (Records.length < 2 || !throttling.delete(StreamName)) return forward(server, request, body)
  const others = Records.filter((_, index) => index !== 1)
  const answer = await forward(server, request, Buffer.from(JSON.stringify({ StreamName, Records: others })))
  const { Records: answers } = JSON.parse(answer.body.toString()) as PutRecordsBody
  answers.splice(1, 0, { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded for shard' })
  return { ...answer, body: Buffer.from(JSON.stringify({ FailedRecordCount: 1, Records: answers })) }
}
