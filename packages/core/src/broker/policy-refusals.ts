import { BrokerError } from '../errors.ts'
import type { PolicyRefusal } from './consume-policy.ts'
import type { Planned } from './plan.ts'

type Text = (wanted: number | string, has: number, driver: string) => string

const texts: Readonly<Record<PolicyRefusal[0], Text>> = {
  middleware: String,
  wait: (wanted, has, driver) =>
    `retry: a wait of ${wanted} ms can neither be held here nor given to ${driver}; the largest that fits is ${has} ms: lower the backoff's maxMs`,
  hold: (wanted, has) => `retry: holdMs of ${wanted} is longer than a message can be held here; the largest that fits is ${has}`,
  held: (wanted, has) =>
    `retry: all waits and attempts together may hold a message for ${wanted} ms, and this backend lets it be held for ${has}; lower maxAttempts, the backoff or the timeout`,
  block: () =>
    "onExhausted: 'block' needs the native delivery limit off, which would take the message away: set nativeLimit: false in the route, and provision again",
  attempts: (wanted, has) =>
    `retry: maxAttempts of ${wanted} is above the ${has} that native limits are provisioned for; lower it, or set maxAttempts: ${wanted} in the route and provision again`,
}

/** One error that lists everything in a consumer's policy that cannot hold. */
export function policyError(refusals: readonly PolicyRefusal[], { label, driver }: Planned): BrokerError {
  const lines = refusals.map(([kind, wanted, has]) => `- ${texts[kind](wanted, has, driver.name)}`)
  return new BrokerError('ERR_UNSUPPORTED', `${label} on ${driver.name}:\n${lines.join('\n')}`, { destination: label })
}

export function noReceiver({ label, driver }: Planned): BrokerError {
  return new BrokerError('ERR_UNSUPPORTED', `${label}: nothing can be received from ${driver.name}; consume it through another driver.`, {
    destination: label,
  })
}
