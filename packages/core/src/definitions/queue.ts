import type { SchemaInput, SchemaOutput, StandardSchema } from '../standard-schema.ts'
import type { DestinationOptions, Queue } from './types.ts'
import { checkDestinationOptions, checkName, type RawDestinationOptions } from './validate-options.ts'

/** Options of a queue whose bodies are validated. */
export interface QueueSchemaOptions<S extends StandardSchema, R extends StandardSchema> extends DestinationOptions<SchemaInput<S>> {
  /** Any Standard Schema. Its input is what is sent and travels; its output is what handlers see. */
  readonly schema: S
  /** Handlers answer with a value of this schema; see `broker.request`. */
  readonly reply?: R
}

/** Options of a queue whose bodies are typed only, but whose replies are validated. */
export interface QueueReplyOptions<In, ReplyIn, ReplyOut> extends DestinationOptions<In> {
  readonly reply: StandardSchema<ReplyIn, ReplyOut>
}

/**
 * Defines a queue: each message is handled by one of its consumers. Knows no backend; list it in `createBroker({ destinations })`.
 *
 * `queue('orders', { schema: Order })` validates bodies and infers their type, `queue('lines', { codec: text })` takes the type from the codec,
 * `queue<Order>('orders')` trusts you.
 *
 * Throws `TypeError` or `RangeError` for an illegal name (1 to 80 of `A-Z a-z 0-9 . _ -`), an unknown option or an illegal value.
 */
export function queue<S extends StandardSchema, R extends StandardSchema = never>(
  name: string,
  options: QueueSchemaOptions<S, R>,
): Queue<SchemaInput<S>, SchemaOutput<S>, SchemaInput<R>, SchemaOutput<R>>
export function queue<In, ReplyIn, ReplyOut = ReplyIn>(name: string, options: QueueReplyOptions<In, ReplyIn, ReplyOut>): Queue<In, In, ReplyIn, ReplyOut>
export function queue<In = unknown>(name: string, options?: DestinationOptions<In>): Queue<In>
export function queue(name: string, options: RawDestinationOptions = {}): unknown {
  checkName('queue', name)
  checkDestinationOptions(`queue '${name}'`, options, ['reply'])
  const { schema, reply, ...rest } = options
  return Object.freeze({
    kind: 'queue',
    name,
    schema: schema as StandardSchema | undefined,
    reply: reply as StandardSchema | undefined,
    options: Object.freeze(rest),
  })
}
