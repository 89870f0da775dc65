import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { ResetConnection } from '../faults.ts'

export interface WireRequest {
  readonly headers: IncomingMessage['headers']
  readonly body: string
  /** Fires when the client has gone before it was answered. */
  readonly signal: AbortSignal
}

export interface WireResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Answers a request, or rejects with {@link ResetConnection}. */
export type Answer = (request: WireRequest) => Promise<WireResponse>

/** No request of these services is larger, encoded as badly as may be. */
const maxBodyBytes = 16 * 1_048_576

/** An HTTP/1.1 server on the loopback interface whose connections can be broken. */
export class WireServer {
  readonly #server: Server
  readonly #answer: Answer
  readonly #sockets = new Set<Socket>()
  #refused = false

  constructor(answer: Answer) {
    this.#answer = answer
    this.#server = createServer((request, response) => void this.#serve(request, response))
    // Clients keep their connections: closing an idle one just when it is used again would be a fault that nobody asked for.
    this.#server.keepAliveTimeout = 0
    this.#server.on('connection', (socket) => this.#connected(socket))
  }

  /** Resolves with the URL. `port` 0: a free one. */
  async listen(port: number): Promise<string> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  refuse(refused: boolean): void {
    this.#refused = refused
    if (refused) this.cut()
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  #connected(socket: Socket): void {
    if (this.#refused) {
      socket.resetAndDestroy()
      return
    }
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    // A client that resets its side is no error of ours.
    socket.on('error', () => {})
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const body = await readBody(request)
    if (body === undefined) return
    try {
      const { status, headers, body: text } = await this.#answer({ headers: request.headers, body, signal: gone.signal })
      response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) }).end(text)
    } catch (error) {
      request.socket.resetAndDestroy()
      if (!(error instanceof ResetConnection)) throw error
    }
  }
}

/** `undefined` if the client goes before it has sent all of it, or sends too much. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = []
  let bytes = 0
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.byteLength
      if (bytes > maxBodyBytes) {
        request.socket.resetAndDestroy()
        return undefined
      }
      parts.push(part)
    }
  } catch {
    return undefined
  }
  return Buffer.concat(parts).toString('utf8')
}
