import { buildApp } from 'fauxqs'
import { startSqsGateway } from '../contract/harness/sqs-gateway.ts'

/** What clients of the emulator of SQS and SNS are made with. */
export interface Fauxqs extends AsyncDisposable {
  /** Of SQS. */
  readonly endpoint: string
  /** Of SNS. */
  readonly topicsEndpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** In this process, with a gateway before SQS that ends the polls of clients that are gone: by itself the emulator takes the next messages for them. */
export async function startFauxqs(): Promise<Fauxqs> {
  const app = buildApp({ logger: false })
  const topicsEndpoint = await app.listen({ port: 0, host: '127.0.0.1' })
  const gateway = await startSqsGateway(topicsEndpoint)
  return {
    endpoint: gateway.endpoint,
    topicsEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]()
      await app.close()
    },
  }
}
