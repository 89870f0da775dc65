import { isBrokerError, jitteredBackoff, sleep, type BrokerError, type MoveOptions, type Services } from '@busbar/core/driver'
import type { Api, MoveTask } from './api.ts'
import { sqsError } from './errors.ts'
import { limits } from './limits.ts'
import { addressOf, type QueueName } from './names.ts'
import type { Queues } from './queues.ts'

export interface MoverParts {
  readonly api: Api
  readonly queues: Queues
  readonly services: Services
  /** Fires when the link closes. */
  readonly closing: AbortSignal
  /** Longest wait between two attempts of a call that fails, in milliseconds. */
  readonly retryMaxMs: number
}

/** How often a task is looked at, in milliseconds: it tells nobody when it is done. */
const lookEveryMs = 1_000
const firstRetryMs = 200

/** Lets SQS move what is in a dead-letter queue, by a message move task, and watches it until it ends. */
export class Mover {
  readonly #parts: MoverParts

  constructor(parts: MoverParts) {
    this.#parts = parts
  }

  async move(from: QueueName, to: QueueName, { ratePerSecond, signal, onProgress }: MoveOptions): Promise<{ readonly moved: number }> {
    const { api, closing, services } = this.#parts
    const doing = `Moving from ${addressOf(from)} to ${addressOf(to)}`
    checkRate(doing, ratePerSecond)
    const [source, destination] = await Promise.all([this.#arn(from), this.#arn(to)])
    const input = { SourceArn: source, DestinationArn: destination, MaxNumberOfMessagesPerSecond: ratePerSecond }
    const handle = await api.startMove(input, { doing }).catch((error: unknown) => {
      throw refusal(error)
    })
    let stop = signal === undefined ? closing : AbortSignal.any([closing, signal])
    let told = -1
    let begun: number | undefined
    for (;;) {
      await sleep(services.clock, lookEveryMs, stop).catch(() => undefined)
      if (closing.aborted) throw closed(doing)
      if (signal?.aborted === true && stop !== closing) {
        await this.#cancel(handle, doing)
        stop = closing
      }
      const task = await this.#look(source, handle, begun, doing)
      begun ??= task.startedAt
      if (task.moved !== told) onProgress?.((told = task.moved))
      if (task.status === 'RUNNING' || task.status === 'CANCELLING') continue
      if (signal?.aborted === true) throw signal.reason
      if (task.status === 'COMPLETED') return { moved: task.moved }
      throw sqsError('ERR_CONFLICT', `${doing}: the move ${outcome(task)}, after ${task.moved} messages; the others are where they were.`)
    }
  }

  async #arn(queue: QueueName): Promise<string> {
    const { api, queues } = this.#parts
    const doing = `Looking at ${addressOf(queue)}`
    const { QueueArn } = await api.attributes(await queues.freshUrl(queue), { doing })
    if (QueueArn === undefined) throw sqsError('ERR_NOT_FOUND', `${doing}: the answer holds no ARN`)
    return QueueArn
  }

  /** The task: known by its handle while it runs, and by when it began after that. */
  async #look(source: string, handle: string, begun: number | undefined, doing: string): Promise<MoveTask> {
    const tasks = await this.#persistently(doing, () => this.#parts.api.moves(source, { doing }))
    const task = tasks.find((one) => one.handle === handle || (begun !== undefined && one.startedAt === begun)) ?? tasks[0]
    if (task === undefined) throw sqsError('ERR_NOT_FOUND', `${doing}: SQS does not know its move task any more`)
    return task
  }

  /** One that has ended meanwhile is as good as cancelled. */
  async #cancel(handle: string, doing: string): Promise<void> {
    try {
      await this.#persistently(doing, () => this.#parts.api.cancelMove(handle, { doing }))
    } catch (error) {
      if (!isBrokerError(error) || (error.code !== 'ERR_INVALID' && error.code !== 'ERR_NOT_FOUND')) throw error
    }
  }

  /** Nobody else watches a task that was begun: what may succeed later is tried until it does. */
  async #persistently<T>(doing: string, call: () => Promise<T>): Promise<T> {
    const { closing, retryMaxMs, services } = this.#parts
    for (let failures = 0; ; failures++) {
      try {
        return await call()
      } catch (error) {
        if (closing.aborted) throw closed(doing)
        if (!isBrokerError(error) || !error.retryable) throw error
      }
      await sleep(services.clock, jitteredBackoff(failures, firstRetryMs, retryMaxMs, services.random), closing).catch(() => undefined)
    }
  }
}

function checkRate(doing: string, rate: number | undefined): void {
  if (rate === undefined || (Number.isInteger(rate) && rate >= 1 && rate <= limits.movesPerSecond)) return
  throw sqsError('ERR_UNSUPPORTED', `${doing}: SQS moves 1 to ${limits.movesPerSecond} messages a second, a whole number, not ${rate}`)
}

function closed(doing: string): BrokerError {
  return sqsError('ERR_CLOSED', `${doing}: the link is closed; SQS goes on moving.`)
}

function refusal(error: unknown): unknown {
  if (!isBrokerError(error)) return error
  const isNoPlace = /must be configured as a Dead Letter Queue/i.test(error.message)
  if (!isNoPlace && error.code !== 'ERR_UNSUPPORTED') return error
  const remedy = isNoPlace
    ? 'Let the source have a native limit (no nativeLimit: false in its route) and provision it.'
    : 'Where there are no message move tasks, redrive without native, which copies.'
  return sqsError('ERR_UNSUPPORTED', `${error.message.replace(/\.$/, '')}. ${remedy}`, { cause: error })
}

function outcome({ status, failure }: MoveTask): string {
  return status === 'FAILED' ? `failed (${failure ?? 'SQS gives no reason'})` : `was cancelled by somebody else`
}
