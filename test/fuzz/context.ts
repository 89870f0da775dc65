import { Directive, isBrokerError, type ProcessContext, type ProcessMiddleware } from '@busbar/core'
import { standingClock } from './standing-clock.ts'

type Incoming = ProcessContext['incoming']

/** A received message as a process middleware sees it. */
export function contextOf({
  body = '{"total":1}',
  headers,
}: {
  readonly body?: Incoming['body']
  readonly headers: Readonly<Record<string, string>>
}): ProcessContext {
  const incoming: Incoming = {
    id: 'm-1',
    body,
    bodyBytes: Buffer.byteLength(body),
    headers: Object.assign(Object.create(null) as Record<string, string>, headers),
    type: undefined,
    contentType: undefined,
    timestamp: 1_767_225_600_000,
    key: undefined,
    attempt: 0,
    correlationId: undefined,
    replyTo: undefined,
    position: undefined,
    native: undefined,
  }
  const context = {
    message: { id: 'm-1', headers: incoming.headers },
    incoming,
    attempt: 1,
    previousWaitMs: undefined,
    signal: new AbortController().signal,
    aborted: false,
    settled: undefined,
    source: 'orders',
    capabilities: { kind: 'queue', lease: { kind: 'scope', maxHoldMs: false }, ordering: 'none' },
    clock: standingClock,
    random: () => 0.5,
    cancel: () => undefined,
    suspend: () => () => undefined,
  }
  return context as unknown as ProcessContext
}

/** What came of a message: what the chain returned, the message as the handler would see it, and whether it would. */
export interface Processed {
  readonly value: unknown
  readonly context: ProcessContext
  readonly called: boolean
}

export async function processed(middleware: ProcessMiddleware, context: ProcessContext): Promise<Processed> {
  let called = false
  const value: unknown = await middleware.process(context, () => {
    called = true
    return undefined
  })
  return { value, context, called }
}

/** Middleware lets a message through, or gives it up or back with an error of Busbar's. */
export function outcomeProblem(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (!(value instanceof Directive)) return `it answered with ${typeof value}`
  return isBrokerError(value.error) ? undefined : `it gave the message up with ${String(value.error)}`
}
