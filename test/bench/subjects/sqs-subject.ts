import { setTimeout as sleep } from 'node:timers/promises'
import { SQSClient, type MessageAttributeValue, type SQSClientConfig } from '@aws-sdk/client-sqs'
import { bodyBytes } from '../bodies.ts'
import { Meter } from '../engine/meter.ts'
import type { Sample } from '../engine/sample.ts'
import type { SqsAccess } from '../servers/sqs-server.ts'

/** What a process does at the server. */
export interface SqsJob {
  readonly action: 'send' | 'consume'
  readonly access: SqsAccess
  readonly accountId: string
  /** Of the queue, and of the topic that it is subscribed to where there is one. */
  readonly queue: string
  readonly queueUrl: string
  /** Every so many-th message takes `slowMs` to handle; 0: none. All others take `handlerMs`. */
  readonly slowEvery: number
  /** The SDK alone: a command's steps are put together once, which makes each call cheaper; see its `cacheMiddleware`. */
  readonly cacheMiddleware: boolean
  readonly warmup: number
  readonly messages: number
}

/**
 * A client of SQS, used as well as it can be. Both functions end when `meter` has counted everything and the server has taken it.
 */
export interface SqsSubject {
  /** Sends `meter.total` messages in tens; ticks at every one that is stored. */
  readonly send?: (job: SqsJob, meter: Meter) => Promise<void>
  /** Takes `meter.total` messages, calls `handle` for each, which ticks, and deletes it. */
  readonly consume?: (job: SqsJob, meter: Meter, handle: () => Promise<void>) => Promise<void>
}

/** Requests that are out at once when sending. */
export const requests = 16
/** Messages per request, as many as the service takes. */
export const perRequest = 10
/** Receives that are out at once. */
export const pollers = 5
/** Messages that are received and not deleted yet, at most. */
export const mostInFlight = 200
const handlerMs = 5
const slowMs = 500

export async function runSqs(subject: SqsSubject, job: SqsJob): Promise<Sample> {
  const meter = new Meter(job.warmup, job.messages)
  if (job.action === 'send') await subject.send?.(job, meter)
  else await subject.consume?.(job, meter, handler(job, meter))
  return meter.done
}

function handler({ slowEvery }: SqsJob, meter: Meter): () => Promise<void> {
  let started = 0
  return async () => {
    await sleep(slowEvery > 0 && ++started % slowEvery === 0 ? slowMs : handlerMs)
    meter.tick()
  }
}

/** Where a client does not tell when its last deletes are done. */
export async function deletesTaken(): Promise<void> {
  await sleep(500)
}

/** As for production: a socket for each request, nothing repeated behind the subject's back. */
export function settings({
  access: { endpoint, region, credentials },
  cacheMiddleware = false,
}: Pick<SqsJob, 'access'> & Partial<Pick<SqsJob, 'cacheMiddleware'>>): SQSClientConfig {
  return {
    endpoint,
    region,
    credentials: { ...credentials },
    maxAttempts: 1,
    cacheMiddleware,
    requestHandler: { httpAgent: { keepAlive: true, maxSockets: 64 } },
  }
}

export function client(job: SqsJob): SQSClient {
  return new SQSClient(settings(job))
}

/** Orders of 256 bytes as JSON; one peer takes nothing else. */
export function sqsBodies(): readonly string[] {
  return Array.from({ length: 1_024 }, (_, index) => {
    const body = { id: String(index).padStart(8, '0'), type: 'bench', timestamp: '2026-01-01T00:00:00.000Z', note: '' }
    return JSON.stringify({ ...body, note: '.'.repeat(bodyBytes - JSON.stringify(body).length) })
  })
}

/** What every subject sends with a body, as Busbar does: an id of its own to tell copies by, the time and the type, in one attribute. */
export function attributesOf(index: number): Record<string, MessageAttributeValue> {
  const StringValue = JSON.stringify({ v: 1, i: `sqs-${String(index).padStart(16, '0')}`, c: 'text/plain', s: Date.now() })
  return { busbar: { DataType: 'String', StringValue } }
}
