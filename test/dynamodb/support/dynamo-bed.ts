import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DynamoStoreOptions } from '@busbar/dynamodb'
import dynalite from 'dynalite'

/** What a fault does to one request. `lose`: it is carried out, and the connection ends without an answer. `hang`: it is not carried out, and there is no answer. */
export type Fault = 'throttle' | 'fail' | 'lose' | 'hang' | 'deny'

/** One way to the emulator, with faults of its own. */
export interface Gateway extends AsyncDisposable {
  /** How to reach the emulator through it. */
  readonly options: Pick<DynamoStoreOptions, 'endpoint' | 'region' | 'credentials'>
  /** Requests by the name of their operation. */
  readonly requests: Map<string, number>
  /** Called for every request, by the name of its operation. */
  fault: (operation: string) => Fault | undefined
  /** Ends all connections and refuses others. */
  stop(): Promise<void>
  start(): Promise<void>
}

export interface DynamoBed extends AsyncDisposable {
  gateway(): Promise<Gateway>
}

/** `dynalite` in this process. What it cannot do (times to live of a table, throttling) the gateways do. */
export async function startDynamo(): Promise<DynamoBed> {
  const server = dynalite({ createTableMs: 50, deleteTableMs: 0, updateTableMs: 0 })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const timesToLive = new Map<string, string>()
  return { gateway: () => startGateway(port, timesToLive), [Symbol.asyncDispose]: () => stopServer(server) }
}

async function stopServer(server: Server): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

async function startGateway(port: number, timesToLive: Map<string, string>): Promise<Gateway> {
  const requests = new Map<string, number>()
  const server = createServer((incoming, answer) => void handle(incoming, answer))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = (server.address() as AddressInfo).port
  const gateway: Gateway = {
    options: {
      endpoint: `http://127.0.0.1:${own}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    },
    requests,
    fault: () => undefined,
    stop: () => stopServer(server),
    async start() {
      server.listen(own, '127.0.0.1')
      await once(server, 'listening')
    },
    [Symbol.asyncDispose]: () => stopServer(server),
  }
  return gateway

  async function handle(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = Buffer.concat(await incoming.toArray())
    const operation = String(incoming.headers['x-amz-target']).split('.')[1] ?? ''
    requests.set(operation, (requests.get(operation) ?? 0) + 1)
    const fault = gateway.fault(operation)
    if (fault === 'hang') return
    if (fault === 'throttle')
      refuse(answer, 400, 'ProvisionedThroughputExceededException', 'The level of configured provisioned throughput for the table was exceeded.')
    else if (fault === 'fail') refuse(answer, 500, 'InternalServerError', 'Internal server error')
    else if (fault === 'deny') refuse(answer, 400, 'AccessDeniedException', `User is not authorized to perform: dynamodb:${operation}`)
    else if (operation.endsWith('TimeToLive')) answerWith(answer, timeToLive(operation, JSON.parse(body.toString()), timesToLive))
    else forward(incoming, body, port, fault === 'lose', answer)
  }
}

function forward({ headers, method = 'POST' }: IncomingMessage, body: Buffer, port: number, losing: boolean, answer: ServerResponse): void {
  const onward = request({ port, host: '127.0.0.1', method, headers }, (found) => {
    if (losing) {
      found.resume().on('end', () => answer.destroy())
      return
    }
    answer.writeHead(found.statusCode ?? 500, found.headers)
    found.pipe(answer)
  })
  onward.on('error', () => answer.destroy())
  onward.end(body)
}

interface TimeToLiveInput {
  readonly TableName: string
  readonly TimeToLiveSpecification?: { readonly AttributeName: string }
}

function timeToLive(operation: string, { TableName, TimeToLiveSpecification }: TimeToLiveInput, known: Map<string, string>): object {
  if (operation === 'UpdateTimeToLive' && TimeToLiveSpecification !== undefined) {
    known.set(TableName, TimeToLiveSpecification.AttributeName)
    return { TimeToLiveSpecification }
  }
  const attribute = known.get(TableName)
  return { TimeToLiveDescription: attribute === undefined ? { TimeToLiveStatus: 'DISABLED' } : { TimeToLiveStatus: 'ENABLED', AttributeName: attribute } }
}

function refuse(answer: ServerResponse, status: number, name: string, message: string): void {
  answer.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' })
  answer.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message }))
}

function answerWith(answer: ServerResponse, body: object): void {
  answer.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' })
  answer.end(JSON.stringify(body))
}
