import { json } from '../codec/json.ts'
import type { Connection } from '../broker/connection.ts'
import type { Planned } from '../broker/plan.ts'
import type { Runtime } from '../broker/runtime.ts'
import type { RequestOptions } from '../broker/types.ts'
import { checkedNumber } from '../checked-number.ts'
import type { AnyQueue } from '../definitions/types.ts'
import type { Incoming, Link } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import { invalidBody } from '../invalid-body.ts'
import { checkSignal } from '../kind-of.ts'
import { assertKnownKeys } from '../nearest.ts'
import { Encoder } from '../producer/encoder.ts'
import type { ProducerEngine } from '../producer/producer-engine.ts'
import { sendRaw } from '../producer/send-raw.ts'
import type { StandardSchema } from '../standard-schema.ts'
import { validate } from '../validate.ts'
import { unlessAborted } from '../waiting.ts'
import { Requester } from './requester.ts'

export interface RequestTarget {
  readonly queue: AnyQueue
  readonly planned: Planned
  /** Starts the broker if need be. */
  readonly connect: () => Promise<Connection>
  readonly runtime: Runtime
  readonly engine: ProducerEngine
  readonly open: OpenRequests
  /** Fires when the broker closes. */
  readonly closing: AbortSignal
}

/** The requests of one broker that have no answer yet. */
export interface OpenRequests {
  count: number
}

const defaultTimeoutMs = 30_000
const maxOpen = 10_000

/** Sends one request and waits for its reply. Rejects with `ERR_THROTTLED`, `ERR_TIMEOUT`, `ERR_CLOSED`, `AbortError`, or why it could not be sent. */
export async function sendRequest(target: RequestTarget, body: unknown, options: RequestOptions): Promise<unknown> {
  const { queue, open } = target
  if (open.count >= maxOpen) {
    const text = `${queue.name}: ${maxOpen} requests of this broker wait for their replies already: await some of them first.`
    throw new BrokerError('ERR_THROTTLED', text, { destination: queue.name })
  }
  open.count++
  try {
    return await ask(target, body, options)
  } finally {
    open.count--
  }
}

async function ask(target: RequestTarget, body: unknown, options: RequestOptions): Promise<unknown> {
  const { queue, runtime, engine } = target
  const { clock } = runtime
  if (!queue.reply) throw new TypeError(`request: the ${queue.kind} '${queue.name}' declares no reply; define it with queue(name, { schema, reply })`)
  assertKnownKeys('request', options, ['timeoutMs', 'headers', 'signal'])
  const { timeoutMs = defaultTimeoutMs, headers, signal } = options
  checkedNumber('request: timeoutMs', timeoutMs, 1)
  checkSignal('request', signal)
  signal?.throwIfAborted()
  if (engine.full) throw new BrokerError('ERR_THROTTLED', `${queue.name}: ${engine.pending} requests wait to be sent already.`, { destination: queue.name })
  const deadline = clock.monotonic() + timeoutMs
  const encoder = new Encoder({ ...runtime, destination: queue })
  const encoded = encoder.encode(body, headers ? { headers } : {})
  if ('issues' in encoded) throw invalidBody(encoded.issues, body)
  const { outgoing, validation } = encoded
  const limits = { target, deadline, signal: signal ? AbortSignal.any([signal, target.closing]) : target.closing }
  const sendable = Promise.resolve(validation).then(() => prepare(target))
  const { requester, replyTo } = await inTime(sendable, limits, `the request could not be sent within ${timeoutMs} ms; sending it again is safe.`)
  const correlationId = runtime.freshId()
  const leftMs = Math.max(1, deadline - clock.monotonic())
  const reply = requester.expect(correlationId, queue.name, leftMs, signal)
  // A reply says more than a confirmation, which may never come.
  void sendRaw(engine, { ...outgoing, correlationId, replyTo }, leftMs).then((answer) => {
    if (!answer.ok) requester.fail(correlationId, answer.error)
  })
  return inTime(decoded(queue, await reply), limits, `the reply has come, and its schema gave no answer within ${timeoutMs} ms.`)
}

async function prepare({ planned, connect, runtime }: RequestTarget): Promise<{ requester: Requester; replyTo: string }> {
  const connection = await connect()
  const requester = requesterOf(connection, connection.links.get(planned.driver) as Link, runtime)
  return { requester, replyTo: await requester.address() }
}

interface Limits {
  readonly target: RequestTarget
  /** Monotonic milliseconds. */
  readonly deadline: number
  readonly signal: AbortSignal
}

async function inTime<T>(work: Promise<T>, { target: { queue, runtime }, deadline, signal }: Limits, text: string): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = runtime.clock.timer(deadline, () => late.reject(new BrokerError('ERR_TIMEOUT', `${queue.name}: ${text}`, { destination: queue.name })))
  try {
    return await unlessAborted(Promise.race([work, late.promise]), signal)
  } finally {
    timer.cancel()
  }
}

async function decoded({ name, reply }: AnyQueue, incoming: Incoming): Promise<unknown> {
  try {
    return await validate(reply as StandardSchema<unknown, unknown>, json.decode(incoming.body))
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    throw new BrokerError('ERR_UNDECODABLE', `${name}: the reply is not what its schema asks for: ${text}`, { destination: name, cause: error })
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
