import type { Directive } from '../outcome.ts'
import { readable } from '../readable.ts'
import type { DeciderOptions } from './decider.ts'
import type { Run } from './run.ts'
import type { Task } from './task.ts'

/** A consumer says so often, in milliseconds, that its messages wait for something that is not their fault. */
const waitingEveryMs = 60_000
/** When each consumer last said so. */
const told = new WeakMap<DeciderOptions, number>()

/** Says why messages wait that use no attempt: nothing else would while a store or a key provider is down. */
export function tellWaiting(consumer: DeciderOptions, task: Task, error: unknown): void {
  // It waits because its lease was lost, or because the consumer ends.
  if (task.run?.aborted) return
  const { clock, log, source } = consumer
  const now = clock.monotonic()
  if (now - (told.get(consumer) ?? -Infinity) < waitingEveryMs) return
  told.set(consumer, now)
  log('warn', 'message:waiting', { source, messageId: task.delivery.incoming.id, error: readable(() => error) })
}

export function tellInvalidWait({ log, source }: DeciderOptions, task: Task, error: unknown): void {
  log('error', 'retry:invalid-wait', { source, messageId: task.delivery.incoming.id, error: readable(() => error) })
}

/** Says that a message, and its key, is tried on until it succeeds or is skipped. */
export function tellBlocked({ log, source, telemetry }: Pick<DeciderOptions, 'log' | 'source' | 'telemetry'>, task: Task, reason: unknown): void {
  const { attempt: attempts, key } = task
  const { id } = task.delivery.incoming
  log('warn', 'key:blocked', { source, key, messageId: id, attempts, reason })
  telemetry.blocked?.({ source, key, id: id ?? '', attempts })
}

/** Says what a run asked for after its settle call: it changes nothing, and is not to vanish. */
export function tellIgnored({ log, source }: DeciderOptions, { task, settled }: Run, { error, reason }: Directive): void {
  log('warn', 'outcome:ignored', { source, messageId: task.delivery.incoming.id, settled, error: readable(() => error ?? reason) })
}
