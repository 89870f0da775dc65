import type { Input } from '../input.ts'
import { text } from '../input.ts'
import type { MoveTasks } from './move-tasks.ts'
import type { Queues } from './queues.ts'
import type { WireQueue } from './wire-queue.ts'

/** One request to SQS. */
export interface SqsCall {
  readonly queues: Queues
  readonly tasks: MoveTasks
  readonly region: string
  /** Who signed. */
  readonly senderId: string
  readonly input: Input
  /** Fires when the client has gone. */
  readonly signal: AbortSignal
}

/** Does one action; its result is what the service answers, without what is `undefined`. */
export type SqsAction = (call: SqsCall) => object | Promise<object>

/** The queue that a call is about. Throws `QueueDoesNotExist`, `MissingParameter`. */
export function queueOf({ queues, region, input }: SqsCall): WireQueue {
  return queues.at(region, text(input, 'QueueUrl'))
}
