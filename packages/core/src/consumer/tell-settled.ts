import type { Outcome, SettleResult } from '../driver/receiver.ts'
import type { ProcessSettlement } from '../middleware/types.ts'
import type { EngineOptions } from './engine-options.ts'
import type { Task } from './task.ts'

/** Tells telemetry and middleware how a message was settled. */
export function tellSettled(task: Task, outcome: Outcome, result: SettleResult, { source, telemetry, settling, log }: EngineOptions): void {
  const settlement: ProcessSettlement = {
    action: outcome.action === 'discard' || task.deadLettered ? 'dead-letter' : outcome.action,
    result: typeof result === 'object' ? 'error' : result,
  }
  telemetry.settle?.({ source, id: outcome.delivery.incoming.id ?? '', ...settlement })
  if (!task.run) return
  for (const middleware of settling) {
    try {
      middleware.settled?.(task.run, settlement)
    } catch (error) {
      log('error', 'middleware:failed', { source, middleware: middleware.name, error: String(error) })
    }
  }
}
