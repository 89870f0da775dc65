import { SQSClient, type MessageAttributeValue, type SQSClientConfig } from '@aws-sdk/client-sqs'
import { bodyBytes } from '../bodies.ts'
import type { SqsAccess } from '../servers/sqs-server.ts'
import type { Subject, Work } from './subject.ts'

/** Of clients of SQS and SNS. `place` is the name of the queue, and of the topic that it is subscribed to where there is one. */
export interface SqsWork extends Work {
  readonly access: SqsAccess
  readonly accountId: string
  readonly queueUrl: string
  /** The SDK alone: a command's steps are put together once, which makes each call cheaper; see its `cacheMiddleware`. */
  readonly cacheMiddleware: boolean
}

export type SqsSubject = Subject<SqsWork>

/** Requests that are out at once when sending. */
export const requests = 16
/** Messages per request, as many as the service takes. */
export const perRequest = 10
/** Receives that are out at once. */
export const pollers = 5

/** Where a client does not tell when its last deletes are done. */
export const deletesTakenMs = 500

/** As for production: a socket for each request, nothing repeated behind the subject's back. */
export function settings({
  access: { endpoint, region, credentials },
  cacheMiddleware = false,
}: Pick<SqsWork, 'access'> & Partial<Pick<SqsWork, 'cacheMiddleware'>>): SQSClientConfig {
  return {
    endpoint,
    region,
    credentials: { ...credentials },
    maxAttempts: 1,
    cacheMiddleware,
    requestHandler: { httpAgent: { keepAlive: true, maxSockets: 64 } },
  }
}

export function client(work: SqsWork): SQSClient {
  return new SQSClient(settings(work))
}

/** Orders of 256 bytes as JSON; one peer takes nothing else. */
export function sqsBodies(variants: number = 1_024): readonly string[] {
  return Array.from({ length: variants }, (_, index) => {
    const body = { id: String(index).padStart(8, '0'), type: 'bench', timestamp: '2026-01-01T00:00:00.000Z', note: '' }
    return JSON.stringify({ ...body, note: '.'.repeat(bodyBytes - JSON.stringify(body).length) })
  })
}

/** What every subject sends with a body, as Busbar does: an id of its own to tell copies by, the time and the type, in one attribute. */
export function attributesOf(index: number): Record<string, MessageAttributeValue> {
  const StringValue = JSON.stringify({ v: 1, i: `sqs-${String(index).padStart(16, '0')}`, c: 'text/plain', s: Date.now() })
  return { busbar: { DataType: 'String', StringValue } }
}
