import type { Endpoint } from '@busbar/core/driver'

export function endpoint(parts: Partial<Endpoint> = {}): Endpoint {
  return { destination: 'order-placed', kind: 'topic', name: 'order-placed', keyed: false, maxAttempts: 0, options: {}, ...parts }
}

/** The subscription `billing`. */
export function subscribed(parts: Partial<Endpoint> = {}): Endpoint {
  return endpoint({ subscription: { name: 'billing' }, ...parts })
}
