import { suggestion, type Endpoint, type Refusal } from '@busbar/core/driver'

/** Route options of the memory driver (`routes: { orders: { options: { deliveryLimit: 100 } } }`). */
export interface MemoryEndpointOptions {
  /** Queues and subscriptions: deliveries after which the broker itself moves a message to the dead-letter queue. At least ten times the attempts. Default: just that. */
  readonly deliveryLimit?: number
  /** Queues: delay of messages that ask for none, in milliseconds. Default 0. */
  readonly queueDelayMs?: number
  /** Streams: number of shards, 1 to 10,000. Default: the profile's. */
  readonly shards?: number
  /** Streams: how long records are kept, in milliseconds. Default: the profile's. */
  readonly retentionMs?: number
}

const bounds: Readonly<Record<keyof MemoryEndpointOptions, readonly [number, number]>> = {
  deliveryLimit: [1, 1_000_000],
  queueDelayMs: [0, 900_000],
  shards: [1, 10_000],
  retentionMs: [1, 31_536_000_000],
}

/** A refusal for unknown names and values out of range. */
export function refuseEndpointOptions({ options, maxAttempts }: Endpoint): Refusal | undefined {
  for (const [name, value] of Object.entries(options)) {
    const range = Object.hasOwn(bounds, name) ? bounds[name as keyof MemoryEndpointOptions] : undefined
    if (range === undefined)
      return { refused: `memory has no option '${name.slice(0, 64)}'${suggestion(name, Object.keys(bounds))}`, remedy: 'remove it from the route' }
    if (!Number.isSafeInteger(value) || (value as number) < range[0] || (value as number) > range[1]) {
      return { refused: `option ${name} must be a whole number from ${range[0]} to ${range[1]}`, remedy: 'correct it in the route' }
    }
  }
  const { deliveryLimit } = options as MemoryEndpointOptions
  if (deliveryLimit !== undefined && deliveryLimit < 10 * maxAttempts) {
    return {
      refused: `a delivery limit of ${deliveryLimit} is too low for ${maxAttempts} attempts, since releases and crashes count too`,
      remedy: `set deliveryLimit to at least ${10 * maxAttempts}`,
    }
  }
  return undefined
}

/** The options of an endpoint that was not refused. */
export function readEndpointOptions(endpoint: Endpoint): MemoryEndpointOptions {
  return endpoint.options
}
