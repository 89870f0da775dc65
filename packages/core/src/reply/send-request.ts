import { json } from '../codec/json.ts'
import type { Connection } from '../broker/connection.ts'
import type { Planned } from '../broker/plan.ts'
import type { Runtime } from '../broker/runtime.ts'
import type { RequestOptions } from '../broker/types.ts'
import type { AnyQueue } from '../definitions/types.ts'
import type { Link } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import { Encoder } from '../producer/encoder.ts'
import type { ProducerEngine } from '../producer/producer-engine.ts'
import { sendRaw } from '../producer/send-raw.ts'
import { validate } from '../validate.ts'
import { Requester } from './requester.ts'

export interface RequestTarget {
  readonly queue: AnyQueue
  readonly planned: Planned
  readonly connection: Connection
  readonly runtime: Runtime
  readonly engine: ProducerEngine
}

const defaultTimeoutMs = 30_000

/** Sends one request and waits for its reply. Rejects with `ERR_TIMEOUT`, `ERR_CLOSED`, `AbortError`, or why it could not be sent. */
export async function sendRequest(target: RequestTarget, body: unknown, options: RequestOptions): Promise<unknown> {
  const { queue, planned, connection, runtime, engine } = target
  if (!queue.reply) throw new TypeError(`request: the queue '${queue.name}' declares no reply; define it with queue(name, { schema, reply })`)
  const { timeoutMs = defaultTimeoutMs, headers, signal } = options
  if (!(Number.isFinite(timeoutMs) && timeoutMs >= 1)) throw new RangeError(`request: timeoutMs must be a finite number ≥ 1, not ${timeoutMs}`)
  signal?.throwIfAborted()
  const encoder = new Encoder({ destination: queue, now: () => runtime.clock.now(), freshId: runtime.freshId, telemetry: runtime.telemetry })
  const { outgoing, validation } = encoder.encode(body, headers ? { headers } : {})
  await validation
  const requester = requesterOf(connection, connection.links.get(planned.driver) as Link, runtime)
  const replyTo = await requester.address()
  const correlationId = runtime.freshId()
  const reply = requester.expect(correlationId, queue.name, timeoutMs, signal)
  const sent = sendRaw(engine, { ...outgoing, correlationId, replyTo }, timeoutMs).then((answer) => {
    if (!answer.ok) requester.fail(correlationId, answer.error)
  })
  const incoming = await reply
  await sent
  try {
    return await validate(queue.reply, json.decode(incoming.body))
  } catch (error) {
    throw new BrokerError(
      'ERR_UNDECODABLE',
      `${queue.name}: the reply is not what its schema asks for: ${error instanceof Error ? error.message : String(error)}`,
      { destination: queue.name, cause: error },
    )
  }
}

/** The requester of a link; one per link, since it holds this process's reply address. */
function requesterOf(connection: Connection, link: Link, { clock, log }: Runtime): Requester {
  let requester = connection.requesters.get(link)
  if (!requester) {
    if (!link.replies) throw new BrokerError('ERR_UNSUPPORTED', 'This backend has no request-reply.')
    requester = new Requester(link.replies, clock, log)
    connection.requesters.set(link, requester)
  }
  return requester
}
