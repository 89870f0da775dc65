import type { JsonView } from '../json-view.ts'
import type { SchemaInput, SchemaOutput, StandardSchema } from '../standard-schema.ts'
import { makeSubscription } from './subscription.ts'
import { templateOf } from './topic-template.ts'
import type { OneWayOptions, ParametersIn, SubscriptionOptions, Topic } from './types.ts'
import { checkDestinationOptions, checkName, type RawDestinationOptions } from './validate-options.ts'

/** Options of a topic or stream whose bodies are validated. */
export interface SchemaOptions<S extends StandardSchema> extends OneWayOptions<SchemaInput<S>> {
  /** Any Standard Schema. Its input is what is sent and travels; its output is what handlers see. */
  readonly schema: S
}

/** How the parameters in a topic's name are made of the body. */
export interface ParametersOption<In, Name extends string> {
  /** The parameters in the name, from the JSON view of the body. A send may give others. */
  readonly parameters: (body: JsonView<In>) => ParametersIn<Name>
}

/**
 * Defines a topic: every subscription gets a copy of each message. Receive with `topic.subscription(name)`.
 * Forms and errors as for {@link queue}.
 *
 * The name may be an address template: `topic('trucks/{truckId}/position', { schema, parameters: (body) => ({ truckId: body.truckId }) })` sends each message to an
 * address of its own, filled with the values that the function makes of the body, or that `send(body, { parameters })` gives. Levels are separated by `/`, a parameter
 * is a whole level, one level at least is none, and all have up to 200 characters. Needs the `addressTemplates` capability.
 */
export function topic<S extends StandardSchema, Name extends string = string>(
  name: Name,
  options: SchemaOptions<S> & ParametersOption<SchemaInput<S>, Name>,
): Topic<SchemaInput<S>, SchemaOutput<S>, ParametersIn<Name>, true>
export function topic<S extends StandardSchema, Name extends string = string>(
  name: Name,
  options: SchemaOptions<S>,
): Topic<SchemaInput<S>, SchemaOutput<S>, ParametersIn<Name>, false>
export function topic<In = unknown, Name extends string = string>(
  name: Name,
  options: OneWayOptions<In> & ParametersOption<In, Name>,
): Topic<In, In, ParametersIn<Name>, true>
export function topic<In = unknown, Name extends string = string>(name: Name, options?: OneWayOptions<In>): Topic<In, In, ParametersIn<Name>, false>
export function topic(name: string, options: RawDestinationOptions = {}): unknown {
  const template = templateOf(name, options?.parameters)
  if (template === undefined) checkName('topic', name)
  checkDestinationOptions(`topic '${name}'`, options, template === undefined ? [] : ['parameters'])
  const { schema, parameters: _, ...rest } = options
  const definition: Topic = Object.freeze({
    kind: 'topic',
    name,
    template,
    schema: schema as StandardSchema | undefined,
    options: Object.freeze(rest),
    subscription: (subscriptionName: string, subscriptionOptions: SubscriptionOptions<unknown> = {}) =>
      makeSubscription(definition, subscriptionName, subscriptionOptions as object),
  })
  return definition
}
