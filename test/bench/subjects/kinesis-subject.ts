import { KinesisClient } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { Meter } from '../engine/meter.ts'
import type { Sample } from '../engine/sample.ts'

/** What a process does at the server. */
export interface KinesisJob {
  readonly action: 'send' | 'consume'
  readonly endpoint: string
  /** Messages travel in aggregated records. */
  readonly aggregate: boolean
  readonly shards: number
  readonly warmup: number
  readonly messages: number
}

/** A client of Kinesis, used as well as it can be. Both functions end when `meter` has counted everything. */
export interface KinesisSubject {
  /** Sends `meter.total` messages in full requests; ticks at every one that is stored. */
  readonly send?: (job: KinesisJob, meter: Meter) => Promise<void>
  /** Reads `meter.total` messages of all shards; ticks at every one. */
  readonly consume?: (job: KinesisJob, meter: Meter) => Promise<void>
}

/** Requests that are out at once when sending. */
export const requests = 4
/** Records of a request, as many as the service takes. */
export const perRequest = 500
export const region = 'us-east-1'
export const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

export async function runKinesis(subject: KinesisSubject, job: KinesisJob): Promise<Sample> {
  const meter = new Meter(job.warmup, job.messages)
  if (job.action === 'send') await subject.send?.(job, meter)
  else await subject.consume?.(job, meter)
  return meter.done
}

/** As for production, but by HTTP/1.1, since the server has no TLS; nothing repeated behind the subject's back. */
export function client({ endpoint }: KinesisJob): KinesisClient {
  return new KinesisClient({
    endpoint,
    region,
    credentials,
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({ httpAgent: { keepAlive: true, maxSockets: 64 } }),
  })
}
