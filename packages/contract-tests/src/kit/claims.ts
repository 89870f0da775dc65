import type { Capabilities, Endpoint, Refusal } from '@busbar/core/driver'
import type { Certificate } from '../certificate.ts'
import { kinds, type Harness, type Kind } from '../harness.ts'
import { combine } from './place.ts'

/** What the driver claims from options alone, for every kind, with and without ordering keys. */
export function claimsOf(harness: Harness): Certificate['claims'] {
  const entries = kinds.map((kind) => [kind, { unkeyed: claimOf(harness, kind, false), keyed: claimOf(harness, kind, true) }] as const)
  return Object.fromEntries(entries) as unknown as Certificate['claims']
}

function claimOf(harness: Harness, kind: Kind, keyed: boolean): Capabilities | Refusal {
  const driver = harness.createDriver()
  const name = harness.uniqueName('claim', keyed)
  const destination: Endpoint = { destination: name, kind, name, keyed, maxAttempts: 0, options: harness.routeOptions?.(kind, keyed) ?? {} }
  const sending = driver.capabilities(destination)
  if (kind === 'queue' || 'refused' in sending) return sending
  const receiving = driver.capabilities({ ...destination, subscription: { name: 'sub-1' } })
  return 'refused' in receiving ? receiving : combine(sending, receiving)
}
