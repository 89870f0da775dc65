import type { Clock } from '../clock.ts'
import type { Capabilities } from '../driver/capabilities.ts'
import type { Receiver } from '../driver/receiver.ts'
import type { Settlement } from '../message.ts'
import type { Task } from './task.ts'

/** Makes the lease of a message last `ms` from now. A lease of the whole scope is held anyway, up to its limit. */
export async function extend(
  task: Task,
  ms: number,
  receiver: Receiver,
  { capabilities: { lease }, clock }: { readonly capabilities: Capabilities; readonly clock: Clock },
): Promise<Settlement> {
  if (!lease) return 'unsupported'
  const end = clock.monotonic() + ms
  if (lease.kind === 'scope') return lease.maxHoldMs === false || end <= task.receivedAt + lease.maxHoldMs ? 'accepted' : 'unsupported'
  if (end > task.receivedAt + lease.maxMs) return 'unsupported'
  const [result] = (await receiver.extend?.([task.delivery], ms)) ?? []
  if (typeof result === 'object') throw result.error
  return result ?? 'unsupported'
}
