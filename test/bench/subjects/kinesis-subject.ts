import { KinesisClient } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Subject, Work } from './subject.ts'

/** Of clients of Kinesis. */
export interface KinesisWork extends Work {
  readonly endpoint: string
  /** Of a DynamoDB, for who keeps checkpoints there. */
  readonly stateEndpoint: string
  /** Messages travel in aggregated records. */
  readonly aggregate: boolean
  /** How often each shard is read at least, in milliseconds; 0: as often as can be. */
  readonly readEveryMs: number
}

export type KinesisSubject = Subject<KinesisWork>

/** Requests that are out at once when sending. */
export const requests = 4
/** Records of a request, as many as the service takes. */
export const perRequest = 500
export const region = 'us-east-1'
export const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

/** As for production, but by HTTP/1.1, since the server has no TLS; nothing repeated behind the subject's back. */
export function client({ endpoint }: KinesisWork): KinesisClient {
  return new KinesisClient({
    endpoint,
    region,
    credentials,
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({ httpAgent: { keepAlive: true, maxSockets: 64 } }),
  })
}
