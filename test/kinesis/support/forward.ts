import type { IncomingMessage } from 'node:http'

/** What a server has answered. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: Buffer
}

/** Asks the server the same, with this body. */
export async function forward(server: string, request: IncomingMessage, body: Buffer): Promise<Answer> {
  const answer = await fetch(server, { method: 'POST', headers: headersOf(request), body: new Uint8Array(body) })
  return { status: answer.status, contentType: answer.headers.get('content-type') ?? '', body: Buffer.from(await answer.arrayBuffer()) }
}

/** Those that Kinesis reads. */
function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const read = ['authorization', 'content-type', 'x-amz-target', 'x-amz-date', 'x-amz-content-sha256', 'x-amz-user-agent']
  return Object.fromEntries(read.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : [])))
}
