import type { Clock, SendContext, SendMiddleware, SendReceipt } from '@busbar/core'
import { ManualClock } from './manual-clock.ts'

export type Outgoing = SendContext['outgoing']

export interface SendOptions extends Partial<Outgoing> {
  readonly clock?: Clock
  readonly kind?: 'queue' | 'topic' | 'stream'
  readonly maxMessageBytes?: number
  readonly signal?: AbortSignal
}

/** A send context as core makes one. */
export function makeSendContext({ clock = new ManualClock(), kind = 'queue', maxMessageBytes = 2 ** 30, signal, ...fields }: SendOptions = {}): SendContext {
  const body = fields.body ?? '{"total":1}'
  const outgoing: Outgoing = {
    id: 'm1',
    body,
    bodyBytes: Buffer.byteLength(body),
    headers: Object.create(null) as Outgoing['headers'],
    type: undefined,
    contentType: 'application/json',
    timestamp: 0,
    key: undefined,
    attempt: 0,
    deduplicationId: undefined,
    delayMs: undefined,
    timeToLiveMs: undefined,
    priority: undefined,
    correlationId: undefined,
    replyTo: undefined,
    ...fields,
  }
  return {
    body: undefined,
    outgoing,
    destination: 'orders',
    capabilities: { kind, maxMessageBytes } as SendContext['capabilities'],
    clock,
    random: () => 0.5,
    signal,
  }
}

/** What the middlewares, outermost first, make of a message. */
export async function sentThrough(middlewares: readonly SendMiddleware[], options: SendOptions = {}): Promise<Outgoing> {
  const context = makeSendContext(options)
  const run = (index: number): Promise<SendReceipt> =>
    index === middlewares.length ? Promise.resolve({ id: context.outgoing.id }) : middlewares[index]!.send(context, () => run(index + 1))
  await run(0)
  return context.outgoing
}
