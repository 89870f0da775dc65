import type { Logger } from '../broker/types.ts'
import type { Clock } from '../clock.ts'
import type { Task } from '../consumer/task.ts'
import { tellBlocked } from '../consumer/tell-outcomes.ts'
import type { Headers, Outgoing } from '../driver/sender.ts'
import { isBrokerError } from '../errors.ts'
import type { ProcessFunction, ProcessMiddleware } from '../middleware/types.ts'
import { Directive } from '../outcome.ts'
import type { ProducerEngine } from '../producer/producer-engine.ts'
import { sendRaw } from '../producer/send-raw.ts'
import { jitteredBackoff } from '../jitter.ts'
import { readable } from '../readable.ts'
import { sleep } from '../sleep.ts'
import type { Telemetry } from '../telemetry.ts'
import { copyOf } from './copy.ts'
import { cleaned, deadLetterForms, deadLetterHeader } from './header.ts'
import type { DeadLetterInfo } from './types.ts'

export interface GiveUpOptions {
  readonly source: string
  /** Sends to the dead-letter place; `undefined` drops what is given up. */
  readonly place: ProducerEngine | undefined
  /** The broker can reject a message into a dead-letter place of its own. */
  readonly native: boolean
  /** The broker moves there by itself what it has delivered too often. */
  readonly nativeLimit: boolean
  /** The consumer's middleware; one of them may make a copy smaller. */
  readonly use: readonly (ProcessMiddleware | ProcessFunction)[]
  readonly clock: Clock
  readonly random: () => number
  readonly freshId: () => string
  readonly log: Logger
  readonly telemetry: Telemetry
  /** Fires when the consumer closes. */
  readonly signal: AbortSignal
}

const sendTimeoutMs = 30_000
const firstBackoffMs = 200
const lastBackoffMs = 30_000
/** Of what an error says, in the log, in characters. */
const longestText = 500

/** Codes that say that a copy is refused as it is. Whatever else ails a place, it may get well. */
const unfitCodes: readonly string[] = ['ERR_TOO_LARGE', 'ERR_INVALID', 'ERR_UNSUPPORTED']

/** {@link writeCopy}, or `hold` where it fails: the consumer closes. Should there ever be another cause, the message is not stuck with it. */
export async function giveUp(task: Task, directive: Directive, options: GiveUpOptions): Promise<'ack' | 'discard' | 'retry' | 'hold'> {
  try {
    return await writeCopy(task, directive, options)
  } catch (error) {
    options.log('warn', 'dead-letter:failed', { source: options.source, messageId: task.delivery.incoming.id, error: String(error) })
    return 'hold'
  }
}

/**
 * Publishes a copy of a message that is given up and waits for its confirmation, as long as it takes: the original stays ours meanwhile.
 * A copy that does not fit, however small it is made, is left to the broker: `discard` rejects the original natively, `retry` lets the native limit end it.
 * Where the broker has neither, the message is blocked: it and its key wait until the place takes the copy, or an operator skips it.
 */
async function writeCopy(task: Task, directive: Directive, options: GiveUpOptions): Promise<'ack' | 'discard' | 'retry'> {
  const { source, place, native, nativeLimit, clock, random, log, signal } = options
  const info = infoOf(task, directive, source, clock.now())
  if (!task.givenUp) tellGivenUp(task, info, options)
  if (!place) return 'ack'
  const { incoming } = task.delivery
  const forms = deadLetterForms(info)
  let form = 0
  let copy = copyOf(incoming, incoming.headers, options)
  let shrunk = false
  let blocked = false
  for (let failures = 0; ; failures++) {
    const outgoing = withHeader(copy, forms[form] as string)
    const answer = await sendRaw(place, outgoing, sendTimeoutMs)
    if (answer.ok) return 'ack'
    if (signal.aborted) throw answer.error
    const unfit = isBrokerError(answer.error) && unfitCodes.includes(answer.error.code)
    if (unfit) {
      if (form + 1 < forms.length) {
        form++
        continue
      }
      const smaller = shrunk ? undefined : await shrink(outgoing, task, options)
      if (smaller) {
        copy = smaller
        shrunk = true
        form = 0
        continue
      }
    }
    log('error', 'dead-letter:failed', { source, messageId: incoming.id, error: answer.error.message, failures: failures + 1 })
    // It must not keep the message, and others behind it, here for ever.
    if (unfit && native) return 'discard'
    if (unfit && nativeLimit) return 'retry'
    if (unfit && blocked && task.skipped !== undefined) {
      log('error', 'message:dropped', { source, messageId: incoming.id, reason: task.skipped })
      return 'ack'
    }
    if (unfit && !blocked) block(task, directive, answer.error, options)
    blocked ||= unfit
    await sleep(clock, jitteredBackoff(failures, firstBackoffMs, lastBackoffMs, random), signal)
    // What ailed the place may have been something else.
    form = 0
  }
}

function tellGivenUp(task: Task, { reason, errorName, errorMessage, attempts }: DeadLetterInfo, { source, place, log }: GiveUpOptions): void {
  log('warn', 'message:given-up', {
    source,
    messageId: task.delivery.incoming.id,
    reason,
    errorName,
    // Where it is dropped, this is all that remains of it.
    ...(errorMessage !== undefined && { errorMessage: cleaned(errorMessage, longestText) }),
    attempts,
    dropped: !place,
  })
}

/** Told and listed once. A wish to skip it from before was no consent to losing it. */
function block(task: Task, { error }: Directive, why: Error, options: GiveUpOptions): void {
  const reason = `its dead letter does not fit: ${why.message}`
  tellBlocked(options, task, reason)
  task.blocked = new Directive('dead-letter', { reason, error })
  task.skipped = undefined
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
    errorName: isError(error) ? readable(() => error.name) : undefined,
    errorMessage: error === undefined ? undefined : readable(() => textOf(error)),
    attempts: task.attempt,
    source,
    parameters: task.delivery.incoming.parameters,
    firstFailureAt: task.firstFailureAt ?? now,
    lastFailureAt: now,
  }
}

function isError(error: unknown): error is Error {
  try {
    return error instanceof Error
  } catch {
    // A proxy that answers nothing.
    return false
  }
}

function textOf(error: unknown): unknown {
  if (error instanceof Error) return error.message
  return typeof error === 'string' ? error : (JSON.stringify(error) ?? typeof error)
}
