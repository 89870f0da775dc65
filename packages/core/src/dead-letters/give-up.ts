import type { Logger } from '../broker/types.ts'
import type { Clock } from '../clock.ts'
import type { Task } from '../consumer/task.ts'
import type { Headers, Outgoing } from '../driver/sender.ts'
import { isBrokerError } from '../errors.ts'
import type { ProcessFunction, ProcessMiddleware } from '../middleware/types.ts'
import type { Directive } from '../outcome.ts'
import type { ProducerEngine } from '../producer/producer-engine.ts'
import { sendRaw } from '../producer/send-raw.ts'
import { jitteredBackoff, sleep } from '../sleep.ts'
import { copyOf } from './copy.ts'
import { deadLetterHeader, packDeadLetter, packDeadLetterBriefly } from './header.ts'
import type { DeadLetterInfo } from './types.ts'

export interface GiveUpOptions {
  readonly source: string
  /** Sends to the dead-letter place; `undefined` drops what is given up. */
  readonly place: ProducerEngine | undefined
  /** The broker can reject a message into a dead-letter place of its own. */
  readonly native: boolean
  /** The consumer's middleware; one of them may make a copy smaller. */
  readonly use: readonly (ProcessMiddleware | ProcessFunction)[]
  readonly clock: Clock
  readonly random: () => number
  readonly freshId: () => string
  readonly log: Logger
  /** Fires when the consumer closes. */
  readonly signal: AbortSignal
}

const sendTimeoutMs = 30_000
const firstBackoffMs = 200
const lastBackoffMs = 30_000

/** Publishes a copy of a message that is given up and waits for its confirmation, as long as it takes: the original stays ours meanwhile. */
export async function giveUp(task: Task, directive: Directive, options: GiveUpOptions): Promise<'ack' | 'discard'> {
  const { source, place, native, clock, random, log, signal } = options
  const info = infoOf(task, directive, source, clock.now())
  log('warn', 'message:given-up', {
    source,
    messageId: task.delivery.incoming.id,
    reason: info.reason,
    errorName: info.errorName,
    attempts: info.attempts,
    dropped: !place,
  })
  if (!place) return 'ack'
  const { incoming } = task.delivery
  let pack = packDeadLetter
  let copy = copyOf(incoming, incoming.headers, options)
  let shrunk = false
  for (let failures = 0; ; failures++) {
    const outgoing = withHeader(copy, pack(info))
    const answer = await sendRaw(place, outgoing, sendTimeoutMs)
    if (answer.ok) return 'ack'
    if (signal.aborted) throw answer.error
    if (!isBrokerError(answer.error) || !answer.error.retryable) {
      if (pack === packDeadLetter) {
        pack = packDeadLetterBriefly
        continue
      }
      const smaller = shrunk ? undefined : await shrink(outgoing, task, options)
      if (smaller) {
        copy = smaller
        shrunk = true
        continue
      }
      // A copy that is refused for good must not keep the message, and others behind it, here for ever.
      if (native) return 'discard'
    }
    log('error', 'dead-letter:failed', { source, messageId: incoming.id, error: answer.error.message, failures: failures + 1 })
    await sleep(clock, jitteredBackoff(failures, firstBackoffMs, lastBackoffMs, random), signal)
  }
}

function withHeader(outgoing: Outgoing, header: string): Outgoing {
  return { ...outgoing, headers: { __proto__: null, ...outgoing.headers, [deadLetterHeader]: header } as unknown as Headers }
}

/** `undefined` where nothing can make the copy smaller. */
async function shrink(outgoing: Outgoing, { run }: Task, { use, log, source }: GiveUpOptions): Promise<Outgoing | undefined> {
  const middleware = use.find((one): one is ProcessMiddleware => typeof one === 'object' && one.shrink !== undefined)
  if (!run || !middleware?.shrink) return undefined
  try {
    return await middleware.shrink(outgoing, run)
  } catch (error) {
    log('error', 'middleware:failed', { source, middleware: middleware.name, error: String(error) })
    return undefined
  }
}

function infoOf(task: Task, directive: Directive, source: string, now: number): DeadLetterInfo {
  const { error } = directive
  return {
    reason: readable(() => directive.reason ?? 'given up'),
    errorName: error instanceof Error ? readable(() => error.name) : undefined,
    errorMessage: error === undefined ? undefined : readable(() => textOf(error)),
    attempts: task.attempt,
    source,
    firstFailureAt: task.firstFailureAt ?? now,
    lastFailureAt: now,
  }
}

/** Handlers may throw anything: what cannot be read or written must not keep the message from its dead-letter place. */
function readable(read: () => unknown): string {
  try {
    return String(read())
  } catch {
    return 'unreadable'
  }
}

function textOf(error: unknown): unknown {
  if (error instanceof Error) return error.message
  return typeof error === 'string' ? error : (JSON.stringify(error) ?? typeof error)
}
