import type { IncomingMessage, ServerResponse } from 'node:http'

/** What is asked for, but for the body. */
export type Question = Pick<IncomingMessage, 'headers'>

/** What a server has answered. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: Buffer
}

/** Asks the server the same, with this body. */
export async function forward(server: string, request: Question, body: Buffer): Promise<Answer> {
  const answer = await fetch(server, { method: 'POST', headers: headersOf(request), body: new Uint8Array(body) })
  return { status: answer.status, contentType: answer.headers.get('content-type') ?? '', body: Buffer.from(await answer.arrayBuffer()) }
}

/** Asks the server the same, and hands on what it says as it comes, as `each` makes it, until one of the sides has enough. */
export async function forwardEvents(
  server: string,
  request: Question,
  body: Buffer,
  response: ServerResponse,
  each: (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
): Promise<void> {
  const leaving = new AbortController()
  response.once('close', () => leaving.abort())
  const answer = await fetch(server, { method: 'POST', headers: headersOf(request), body: new Uint8Array(body), signal: leaving.signal })
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
  if (answer.ok && answer.body !== null) for await (const chunk of each(answer.body)) response.write(chunk)
  response.end(answer.ok ? undefined : Buffer.from(await answer.arrayBuffer()))
}

/** Those that Kinesis reads. */
function headersOf({ headers }: Question): Record<string, string> {
  const read = ['authorization', 'content-type', 'x-amz-target', 'x-amz-date', 'x-amz-content-sha256', 'x-amz-user-agent']
  return Object.fromEntries(read.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : [])))
}
