import type { SchemaInput, SchemaOutput, StandardSchema } from '../standard-schema.ts'
import { makeSubscription } from './subscription.ts'
import type { OneWayOptions, SubscriptionOptions, Topic } from './types.ts'
import { checkDestinationOptions, checkName, type RawDestinationOptions } from './validate-options.ts'

/** Options of a topic or stream whose bodies are validated. */
export interface SchemaOptions<S extends StandardSchema> extends OneWayOptions<SchemaInput<S>> {
  /** Any Standard Schema. Its input is what is sent and travels; its output is what handlers see. */
  readonly schema: S
}

/**
 * Defines a topic: every subscription gets a copy of each message. Receive with `topic.subscription(name)`.
 * Forms and errors as for {@link queue}.
 */
export function topic<S extends StandardSchema>(name: string, options: SchemaOptions<S>): Topic<SchemaInput<S>, SchemaOutput<S>>
export function topic<In = unknown>(name: string, options?: OneWayOptions<In>): Topic<In>
export function topic(name: string, options: RawDestinationOptions = {}): unknown {
  checkName('topic', name)
  checkDestinationOptions(`topic '${name}'`, options)
  const { schema, ...rest } = options
  const definition: Topic = Object.freeze({
    kind: 'topic',
    name,
    schema: schema as StandardSchema | undefined,
    options: Object.freeze(rest),
    subscription: (subscriptionName: string, subscriptionOptions: SubscriptionOptions<unknown> = {}) =>
      makeSubscription(definition, subscriptionName, subscriptionOptions as object),
  })
  return definition
}
