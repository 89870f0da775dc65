import type { Logger } from '../broker/types.ts'
import type { ProcessMiddleware, ProcessSettlement } from '../middleware/types.ts'
import type { Telemetry } from '../telemetry.ts'
import type { EngineOptions } from './engine-options.ts'

export interface TellOptions {
  readonly source: string
  readonly telemetry: Telemetry
  /** Middleware that want to be told. */
  readonly settling: readonly ProcessMiddleware[]
  readonly log: Logger
}

/** Tells telemetry and middleware how messages were settled. */
export function createTeller({ source, telemetry, settling, log }: TellOptions): NonNullable<EngineOptions['onSettled']> {
  return (task, outcome, result) => {
    const settlement: ProcessSettlement = {
      action: outcome.action === 'discard' || task.deadLettered ? 'dead-letter' : outcome.action,
      result: typeof result === 'object' ? 'error' : result,
    }
    telemetry.settle?.({ source, id: outcome.delivery.incoming.id ?? '', ...settlement })
    if (!task.run) return
    for (const middleware of settling) {
      const failed = (error: unknown): void => {
        log('error', 'middleware:failed', { source, middleware: middleware.name, error: String(error) })
      }
      try {
        const answer: unknown = middleware.settled?.(task.run, settlement)
        if (answer instanceof Promise) answer.catch(failed)
      } catch (error) {
        failed(error)
      }
    }
  }
}
