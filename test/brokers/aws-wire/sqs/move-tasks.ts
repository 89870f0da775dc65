import type { Timer } from '@busbar/core/driver'
import { browseQueue, Stored } from '@busbar/memory/engine'
import type { Account } from '../account.ts'
import { messageIn } from './message.ts'
import type { Queues } from './queues.ts'
import type { WireQueue } from './wire-queue.ts'

export type MoveStatus = 'RUNNING' | 'COMPLETED' | 'CANCELLING' | 'CANCELLED' | 'FAILED'

/** Messages per second where none are asked for: the service chooses. */
const defaultRate = 500
/** Moves come in lots, this often or, at low rates, one message at a time. */
const shortestStepMs = 50

export interface MoveRequest {
  readonly source: WireQueue
  /** `undefined`: each message goes back to where it came from. */
  readonly destinationArn: string | undefined
  readonly perSecond: number | undefined
}

/** One move of messages out of a dead-letter queue. What is moved is a new message: new id, new time, new deduplication id. */
export class MoveTask {
  readonly handle: string
  readonly request: MoveRequest
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly toMove: number
  moved = 0
  status: MoveStatus = 'RUNNING'
  failureReason: string | undefined
  readonly #account: Account
  readonly #queues: Queues
  #timer: Timer | undefined

  constructor(account: Account, queues: Queues, number: number, request: MoveRequest) {
    this.#account = account
    this.#queues = queues
    this.request = request
    this.handle = Buffer.from(JSON.stringify({ taskId: account.uuid('task', number), sourceArn: request.source.arn })).toString('base64')
    this.startedAt = Math.round(account.clock.now())
    this.toMove = request.source.counts().ready
    this.#next()
  }

  get active(): boolean {
    return this.status === 'RUNNING' || this.status === 'CANCELLING'
  }

  cancel(): void {
    this.status = 'CANCELLING'
  }

  /** Moves nothing more, and says nothing. */
  stop(): void {
    this.#timer?.cancel()
  }

  #next(): void {
    const rate = this.request.perSecond ?? defaultRate
    const stepMs = Math.max(shortestStepMs, 1_000 / rate)
    const { clock } = this.#account
    this.#timer = clock.timer(clock.monotonic() + stepMs, () => this.#step(Math.max(1, Math.floor((rate * stepMs) / 1_000))))
  }

  #step(count: number): void {
    const { source } = this.request
    if (this.status === 'CANCELLING') this.status = 'CANCELLED'
    else if (source.deleted) this.#fail('AWS.SimpleQueueService.NonExistentQueue')
    else {
      const ready = browseQueue(source.queue, -1, Infinity).filter((message) => message.state === 'ready')
      for (const message of ready.slice(0, count)) if (!this.#move(message)) return
      if (ready.length <= count) this.status = 'COMPLETED'
    }
    if (this.active) this.#next()
  }

  #move(message: Stored): boolean {
    const arn = this.request.destinationArn ?? message.incoming.deadLetteredFrom
    const destination = arn === undefined ? undefined : this.#queues.byArn(arn)
    if (destination === undefined) {
      this.#fail(arn === undefined ? 'CouldNotDetermineMessageSource' : 'AWS.SimpleQueueService.NonExistentQueue')
      return false
    }
    const id = this.#account.world.nextId()
    const native = { ...messageIn(message), deduplicationId: this.#account.messageId(id), firstReceivedAt: undefined }
    const incoming = { ...message.incoming, native, deadLetteredFrom: undefined }
    this.request.source.queue.drop(message)
    destination.queue.accept(new Stored(id, incoming, this.#account.clock.monotonic()), 0)
    this.moved++
    return true
  }

  #fail(reason: string): void {
    this.status = 'FAILED'
    this.failureReason = reason
  }
}

/** All move tasks, the newest first. */
export class MoveTasks {
  readonly #account: Account
  readonly #queues: Queues
  readonly #tasks: MoveTask[] = []

  constructor(account: Account, queues: Queues) {
    this.#account = account
    this.#queues = queues
  }

  start(request: MoveRequest): MoveTask {
    const task = new MoveTask(this.#account, this.#queues, this.#tasks.length + 1, request)
    this.#tasks.unshift(task)
    return task
  }

  of(source: WireQueue): MoveTask[] {
    return this.#tasks.filter((task) => task.request.source === source)
  }

  find(handle: string): MoveTask | undefined {
    return this.#tasks.find((task) => task.handle === handle)
  }

  end(): void {
    for (const task of this.#tasks) task.stop()
  }
}
