import { bodyBytes } from '../codec/body.ts'
import { json } from '../codec/json.ts'
import type { Clock } from '../clock.ts'
import type { Run } from '../consumer/run.ts'
import type { Outgoing } from '../driver/sender.ts'
import type { Replies } from '../driver/replies.ts'
import { noHeaders } from '../headers.ts'
import type { Logger } from '../broker/types.ts'
import type { StandardSchema } from '../standard-schema.ts'
import { validate } from '../validate.ts'

/** Sends what a handler returned to whoever asked. A reply that is refused by its schema, or cannot be sent, fails the handler's run. */
export function createResponder(
  replies: Replies,
  schema: StandardSchema<unknown, unknown>,
  services: { readonly clock: Clock; readonly freshId: () => string; readonly log: Logger },
): (run: Run, value: unknown) => Promise<void> {
  const { clock, freshId, log } = services
  return async (run, value) => {
    const { replyTo, correlationId } = run.incoming
    if (replyTo === undefined) return
    await validate(schema, value)
    const body = json.encode(value)
    const reply: Outgoing = {
      id: freshId(),
      body,
      bodyBytes: bodyBytes(body),
      headers: noHeaders,
      type: undefined,
      contentType: json.contentType,
      timestamp: clock.now(),
      key: undefined,
      attempt: 0,
      deduplicationId: undefined,
      delayMs: undefined,
      timeToLiveMs: undefined,
      priority: undefined,
      correlationId,
      replyTo: undefined,
      copyOf: undefined,
    }
    const result = await replies.send(replyTo, reply)
    if (result.ok) return
    // Whoever asked has gone: doing the work again would not bring them back.
    if (result.error.code !== 'ERR_UNROUTABLE') throw result.error
    log('warn', 'reply:unroutable', { source: run.source, messageId: run.incoming.id })
  }
}
