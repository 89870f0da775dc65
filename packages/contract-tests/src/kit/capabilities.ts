import type { Capabilities } from '@busbar/core/driver'

/** How long the broker may rightly keep an unsettled delivery from others after its consumer is gone. */
export function holdMs(capabilities: Capabilities): number {
  return capabilities.lease !== false && capabilities.lease.kind === 'message' ? capabilities.lease.ms : 0
}

/** Is there an order of keys that failures could break? */
export function ordered({ ordering, settlement }: Capabilities): boolean {
  return ordering !== 'none' && settlement !== false
}
