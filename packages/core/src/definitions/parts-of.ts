import type { AnyDefinition, AnyDestination } from './types.ts'

/** What messages are sent to: the topic or stream of a subscription, or the destination itself. */
export function destinationOf(definition: AnyDefinition): AnyDestination {
  return definition.kind === 'subscription' ? (definition.of as AnyDestination) : definition
}

/** As definitions are called in texts and options: `orders`, `orders.billing` for a subscription. */
export function labelOf(definition: AnyDefinition): string {
  return definition.kind === 'subscription' ? `${definition.of.name}.${definition.name}` : definition.name
}
