import type { SettleResult } from '../driver/receiver.ts'
import { BrokerError } from '../errors.ts'
import { inCalls } from '../in-calls.ts'
import type { LeaseKeeperOptions } from './lease-keeper.ts'
import type { Run } from './run.ts'
import type { Task } from './task.ts'
import type { MessageLease } from './wait-plan.ts'

/** Extends in batches what would end before the next tick but one, and lets middleware renew their claims of what runs. */
export async function renewLeases(options: LeaseKeeperOptions, lease: MessageLease | undefined, tickMs: number): Promise<void> {
  const tasks = options.held.all()
  await Promise.all([extendDue(tasks, options, lease, tickMs), renewMiddleware(tasks, options, tickMs)])
}

async function extendDue(tasks: readonly Task[], options: LeaseKeeperOptions, lease: MessageLease | undefined, tickMs: number): Promise<void> {
  const { capabilities, clock, receiver } = options
  const { settlement } = capabilities
  if (!lease || !receiver.extend || !settlement) return
  const now = clock.monotonic()
  const due: Task[] = []
  for (const task of tasks) {
    const { leaseUntil } = task.delivery
    if (task.lost || task.phase === 'ended' || leaseUntil === undefined) continue
    if (leaseUntil <= now) lose(task, 'its lease has ended', options)
    else if (!task.renewing && leaseUntil - now < 2 * tickMs && now + lease.ms <= task.receivedAt + lease.maxMs) due.push(task)
  }
  for (const task of due) task.renewing = true
  await inCalls(due, settlement.maxBatch, (some) => extend(some, lease.ms, options))
}

async function extend(tasks: readonly Task[], ms: number, options: LeaseKeeperOptions): Promise<readonly SettleResult[]> {
  const deliveries = tasks.map((task) => task.delivery)
  let results: readonly SettleResult[] = []
  try {
    results = (await options.receiver.extend?.(deliveries, ms)) ?? []
  } catch (error) {
    options.onError(error)
  }
  for (const [index, task] of tasks.entries()) {
    task.renewing = false
    const result = results[index]
    // A redelivery that was adopted meanwhile has a lease of its own.
    if (task.delivery !== deliveries[index]) continue
    if (result === 'too-late') lose(task, 'its lease could not be renewed', options)
    else if (typeof result === 'object') options.onError(result.error)
  }
  return results
}

function lose(task: Task, why: string, { onLost }: LeaseKeeperOptions): void {
  onLost(task, new BrokerError('ERR_TOO_LATE', `The message is no longer ours: ${why}.`, { messageId: task.delivery.incoming.id ?? '' }))
}

async function renewMiddleware(tasks: readonly Task[], { renewing, onError }: LeaseKeeperOptions, tickMs: number): Promise<void> {
  const runs: Run[] = []
  for (const task of tasks) if (task.run && !task.run.ended) runs.push(task.run)
  if (runs.length === 0) return
  for (const middleware of renewing) {
    try {
      await middleware.renew?.(runs, tickMs)
    } catch (error) {
      onError(error)
    }
  }
}
