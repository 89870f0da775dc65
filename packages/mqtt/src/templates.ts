import { AddressTemplate, type Endpoint } from '@busbar/core/driver'

/** Topics with parameters in their names: `trucks/{truckId}/position` is sent to as `trucks/42/position` and subscribed to as `trucks/+/position`. */

export function templateOf({ name, parameters }: Endpoint): AddressTemplate | undefined {
  return parameters === undefined ? undefined : new AddressTemplate(name)
}

/** What the messages of an endpoint are subscribed to by. */
export function filterOf(endpoint: Endpoint): string {
  return templateOf(endpoint)?.pattern('+', endpoint.subscription?.parameters) ?? endpoint.name
}

/** Is there a topic that both filters take? They have `+` for wildcards, and no `#`. */
export function overlap(one: string, other: string): boolean {
  const [levels, others] = [one.split('/'), other.split('/')]
  return levels.length === others.length && levels.every((level, index) => level === '+' || others[index] === '+' || level === others[index])
}
