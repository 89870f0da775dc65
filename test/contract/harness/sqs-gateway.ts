import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Stands before an emulator of SQS and SNS and gives it what a service in a network has and the emulator lacks. */
export interface SqsGateway extends AsyncDisposable {
  readonly endpoint: string
  /** Of the next SendMessageBatch to this queue every second entry fails with an error of the service. */
  failPartOfNextSend(queue: string): void
  /** The next SendMessageBatch to this queue, or PublishBatch to this topic, comes {@link lateMs} late. */
  delayNextSend(name: string): void
}

/** So long that other requests overtake the one that is late. */
export const lateMs = 300

interface Answer {
  readonly status: number
  readonly body: Buffer
}

type Input = Readonly<Record<string, unknown>>

/** What time alone changes, such as the end of a lease, and what comes from topics is seen after so long; what is done to a queue, at once. */
const pollEveryMs = 120
/** What may make a message receivable. */
const changing: readonly string[] = ['SendMessage', 'SendMessageBatch', 'ChangeMessageVisibility', 'ChangeMessageVisibilityBatch']

/**
 * A long poll ends with its connection: it is made of short ones as long as the client is there, whereas the emulator goes on waiting for a client that is gone and
 * takes the next messages for it. Entries of a batch can fail one by one, and a batch can come late.
 */
export async function startSqsGateway(target: string): Promise<SqsGateway> {
  const { hostname, port } = new URL(target)
  const agent = new Agent({ keepAlive: true })
  const failing = new Set<string>()
  const late = new Set<string>()
  /** By the queue that is waited for. */
  const waiting = new Map<string, Set<() => void>>()
  const forward = (incoming: IncomingMessage, body: Buffer): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const headers = { ...incoming.headers, 'content-length': String(body.length) }
      const outgoing = request({ hostname, port, agent, method: incoming.method, path: incoming.url, headers }, (answer) => {
        void collect(answer).then((bytes) => resolve({ status: answer.statusCode ?? 500, body: bytes }), reject)
      })
      outgoing.once('error', reject)
      outgoing.end(body)
    })
  const untilChanged = async (queue: string): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const wakes = waiting.get(queue) ?? new Set()
    waiting.set(queue, wakes.add(resolve))
    const timer = setTimeout(resolve, pollEveryMs)
    await promise
    clearTimeout(timer)
    wakes.delete(resolve)
  }
  const receive = async (incoming: IncomingMessage, input: Input, queue: string, isGone: () => boolean): Promise<Answer> => {
    const deadline = performance.now() + Number(input['WaitTimeSeconds'] ?? 0) * 1_000
    const short = Buffer.from(JSON.stringify({ ...input, WaitTimeSeconds: 0 }))
    for (;;) {
      const answer = await forward(incoming, short)
      const isEmpty = answer.status === 200 && !answer.body.includes('"ReceiptHandle"')
      if (!isEmpty || performance.now() >= deadline) return answer
      await untilChanged(queue)
      if (isGone()) return answer
    }
  }
  const sendPart = async (incoming: IncomingMessage, input: Input): Promise<Answer> => {
    const entries = input['Entries'] as readonly { readonly Id: string }[]
    const refused = entries.filter((_, index) => index % 2 === 1).map(({ Id }) => ({ Id, Code: 'InternalError', SenderFault: false, Message: 'Try again' }))
    const stored = await forward(incoming, Buffer.from(JSON.stringify({ ...input, Entries: entries.filter((_, index) => index % 2 === 0) })))
    const { Successful = [] } = JSON.parse(stored.body.toString()) as { readonly Successful?: unknown }
    return { status: 200, body: Buffer.from(JSON.stringify({ Successful, Failed: refused })) }
  }
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    let gone = false
    const leave = (): void => void (gone = true)
    // A client that is cut off by a proxy may only have said that it sends no more.
    incoming.socket.once('end', leave).once('close', leave)
    outgoing.once('close', () => incoming.socket.off('end', leave).off('close', leave))
    const body = await collect(incoming)
    // SNS speaks another protocol.
    if (incoming.headers['x-amz-target'] === undefined) {
      const input = new URLSearchParams(body.toString())
      if (input.get('Action') === 'PublishBatch' && late.delete(input.get('TopicArn')?.split(':').at(-1) ?? '')) await sleep(lateMs)
      const answer = await forward(incoming, body)
      outgoing.writeHead(answer.status, { 'content-type': 'text/xml' }).end(answer.body)
      return
    }
    const operation = String(incoming.headers['x-amz-target']).split('.').at(-1) ?? ''
    const input = JSON.parse(body.toString() || '{}') as Input
    const queue = String(input['QueueUrl']).split('/').at(-1) ?? ''
    if (operation === 'SendMessageBatch' && late.delete(queue)) await sleep(lateMs)
    const answer = await (operation === 'ReceiveMessage'
      ? receive(incoming, input, queue, () => gone)
      : operation === 'SendMessageBatch' && failing.delete(queue)
        ? sendPart(incoming, input)
        : forward(incoming, body))
    if (changing.includes(operation)) for (const wake of waiting.get(queue) ?? []) wake()
    outgoing.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' }).end(answer.body)
  }
  const server = createServer((incoming, outgoing) => void handle(incoming, outgoing).catch((error: unknown) => outgoing.destroy(error as Error)))
  // Clients keep their connections: closing an idle one just when it is used again would be a fault that nobody asked for.
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    failPartOfNextSend: (queue) => void failing.add(queue),
    delayNextSend: (name) => void late.add(name),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      agent.destroy()
    },
  }
}

async function collect(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
