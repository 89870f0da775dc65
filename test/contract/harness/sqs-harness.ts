import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { ForeignMessage, Harness } from '@busbar/contract-tests'
import { systemClock } from '@busbar/core'
import { sqs } from '@busbar/sqs'
import { startProxy } from '../../brokers/index.ts'

export interface SqsServer {
  /** `http://127.0.0.1:4566`: where the server answers. */
  readonly endpoint: string
  /** Default `us-east-1`. */
  readonly region?: string
  /** Default: any. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** For the certificate: `fauxqs 2.4.1`. */
  readonly version: string
  readonly kind: 'emulator' | 'simulator' | 'real'
  /** Of the next batch that is sent to this queue some entries fail, if the server can be told so. */
  failPartOfNextSend?(queue: string): void
}

const anyRegion = 'us-east-1'
const anyCredentials = { accessKeyId: 'test', secretAccessKey: 'test' }
/** Names of this run, on a server that may outlive it. */
const run = `${process.pid}-${Date.now().toString(36)}`

let names = 0

/** A server that speaks the protocol of SQS, with queues of one type. Every case connects through a proxy of its own, so that its faults are its own. */
export function sqsHarness(server: SqsServer, fifo: boolean): Harness {
  return harnessThrough(server, fifo, server.endpoint)
}

/** `endpoint` is what drivers connect to; plain clients use the server's own. */
function harnessThrough(server: SqsServer, fifo: boolean, endpoint: string): Harness {
  const { region = anyRegion, credentials = anyCredentials } = server
  return {
    label: { driver: 'sqs', version: server.version, kind: server.kind },
    clock: systemClock,
    random: Math.random,
    bounds: { arrivalMs: 8_000, quietMs: 700, reconnectMs: 15_000, longestWaitMs: 8_000, caseMs: 90_000 },
    // Leases and waits are short: a receive that is aborted lives on in some servers, and what it takes is hidden for a lease.
    createDriver: () => sqs({ endpoint, region, credentials, visibilityTimeoutMs: 2_000, waitTimeMs: 1_000, retryMaxMs: 500, timeoutMs: 5_000 }),
    // By the name alone, so that the queues for dead letters are of the same type.
    uniqueName: (prefix) => `${prefix}-${run}-${++names}${fifo ? '.fifo' : ''}`,
    routeOptions: () => ({ fifo }),
    faults: {
      cutConnections: unavailable,
      outage: unavailable,
      loseNextAnswer: unavailable,
      sendForeign: (name, _kind, message) => sendForeign(server, name, fifo, message),
      ...(server.failPartOfNextSend !== undefined && { failPartOfNextSend: async (name: string) => server.failPartOfNextSend?.(name) }),
    },
    forCase: async () => {
      const proxy = await startProxy(Number(new URL(server.endpoint).port))
      const own = harnessThrough(server, fifo, proxy.through(server.endpoint))
      return {
        ...own,
        faults: {
          ...own.faults,
          cutConnections: async () => proxy.reset(),
          loseNextAnswer: async () => {
            // What is sent now arrives; the answers do not, and then the connection ends.
            proxy.freeze('down')
            setTimeout(() => {
              proxy.reset()
              proxy.thaw()
            }, 500)
          },
          outage: async () => {
            proxy.refuse(true)
            proxy.reset()
            return { end: async () => proxy.refuse(false) }
          },
        },
        [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
      }
    },
  }
}

async function unavailable(): Promise<never> {
  throw new TypeError('only a case with a proxy of its own can cut connections')
}

async function sendForeign(
  { endpoint, region = anyRegion, credentials = anyCredentials }: SqsServer,
  name: string,
  fifo: boolean,
  { body, headers = {} }: ForeignMessage,
): Promise<void> {
  const client = new SQSClient({ endpoint, region, credentials })
  try {
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: name }))
    // No client can send an attribute without a value.
    const attributes = Object.entries({ ...headers, ...(typeof body !== 'string' && { 'busbar-encoding': 'base64' }) }).filter(([, value]) => value !== '')
    const unique = `foreign-${++names}`
    await client.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: typeof body === 'string' ? body : Buffer.from(body).toString('base64'),
        MessageAttributes: Object.fromEntries(attributes.map(([key, value]) => [key, { DataType: 'String', StringValue: value }])),
        ...(fifo && { MessageGroupId: unique, MessageDeduplicationId: unique }),
      }),
    )
  } finally {
    client.destroy()
  }
}
