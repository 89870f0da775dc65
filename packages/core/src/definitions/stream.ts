import type { SchemaInput, SchemaOutput, StandardSchema } from '../standard-schema.ts'
import { makeSubscription } from './subscription.ts'
import type { SchemaOptions } from './topic.ts'
import type { OneWayOptions, Stream, StreamSubscriptionOptions } from './types.ts'
import { checkDestinationOptions, checkName, type RawDestinationOptions } from './validate-options.ts'

/**
 * Defines a stream: a retained log that every subscription reads at its own position. Receive with `stream.subscription(name)`.
 * Forms and errors as for {@link queue}.
 */
export function stream<S extends StandardSchema>(name: string, options: SchemaOptions<S>): Stream<SchemaInput<S>, SchemaOutput<S>>
export function stream<In = unknown>(name: string, options?: OneWayOptions<In>): Stream<In>
export function stream(name: string, options: RawDestinationOptions = {}): unknown {
  checkName('stream', name)
  checkDestinationOptions(`stream '${name}'`, options)
  const { schema, ...rest } = options
  const definition: Stream = Object.freeze({
    kind: 'stream',
    name,
    schema: schema as StandardSchema | undefined,
    options: Object.freeze(rest),
    subscription: (subscriptionName: string, subscriptionOptions: StreamSubscriptionOptions<unknown> = {}) =>
      makeSubscription(definition, subscriptionName, subscriptionOptions),
  })
  return definition
}
