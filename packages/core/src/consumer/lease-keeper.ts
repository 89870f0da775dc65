import type { Clock, Timer } from '../clock.ts'
import { BrokerError } from '../errors.ts'
import type { Capabilities } from '../driver/capabilities.ts'
import type { Receiver, SettleResult } from '../driver/receiver.ts'
import type { ProcessMiddleware } from '../middleware/types.ts'
import type { Held } from './held.ts'
import type { Run } from './run.ts'
import type { Task } from './task.ts'
import { messageLease } from './wait-plan.ts'

export interface LeaseKeeperOptions {
  readonly receiver: Pick<Receiver, 'extend'>
  readonly capabilities: Capabilities
  readonly held: Held
  readonly clock: Clock
  /** Middleware whose claims are renewed at every tick. */
  readonly renewing: readonly ProcessMiddleware[]
  /** The lease of a task has ended or could not be renewed. */
  readonly onLost: (task: Task, reason: BrokerError) => void
  readonly onError: (error: unknown) => void
}

/** Tick without per-message leases; also the upper bound with them. */
const longestTickMs = 10_000

/** Renewals under way at once: thousands of leases must not wait for one another's round trips until they end. */
const parallel = 8

/** Renews, in batches, the leases of everything that is held. One timer, running only while something is held. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions
  readonly #tickMs: number
  readonly #needed: boolean
  #timer: Timer | undefined
  #closed = false

  constructor(options: LeaseKeeperOptions) {
    this.#options = options
    const lease = messageLease(options.capabilities)
    this.#needed = lease !== undefined || options.renewing.length > 0
    this.#tickMs = lease ? Math.min(longestTickMs, lease.ms / 3) : longestTickMs
  }

  /** Call it whenever something was received. */
  arm(): void {
    if (!this.#needed || this.#timer || this.#closed) return
    const { clock } = this.#options
    this.#timer = clock.timer(clock.monotonic() + this.#tickMs, () => void this.#tick())
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  async #tick(): Promise<void> {
    this.#timer = undefined
    const tasks = this.#options.held.all()
    if (tasks.length === 0) return
    // Armed first, so that a slow renewal does not stretch the interval.
    this.arm()
    await Promise.all([this.#extendDue(tasks), this.#renewMiddleware(tasks)])
  }

  async #extendDue(tasks: readonly Task[]): Promise<void> {
    const { capabilities, clock, receiver } = this.#options
    const lease = messageLease(capabilities)
    const { settlement } = capabilities
    if (!lease || !receiver.extend || !settlement) return
    const now = clock.monotonic()
    const due: Task[] = []
    for (const task of tasks) {
      const { leaseUntil } = task.delivery
      if (task.lost || task.phase === 'ended' || leaseUntil === undefined) continue
      if (leaseUntil <= now) this.#lose(task, 'its lease has ended')
      else if (!task.renewing && leaseUntil - now < 2 * this.#tickMs && now + lease.ms <= task.receivedAt + lease.maxMs) due.push(task)
    }
    for (const task of due) task.renewing = true
    let from = 0
    const work = async (): Promise<void> => {
      while (from < due.length) await this.#extend(due.slice(from, (from += settlement.maxBatch)), lease.ms)
    }
    await Promise.all(Array.from({ length: parallel }, work))
  }

  async #extend(tasks: readonly Task[], ms: number): Promise<void> {
    const deliveries = tasks.map((task) => task.delivery)
    let results: readonly SettleResult[] = []
    try {
      results = (await this.#options.receiver.extend?.(deliveries, ms)) ?? []
    } catch (error) {
      this.#options.onError(error)
    }
    for (const [index, task] of tasks.entries()) {
      task.renewing = false
      const result = results[index]
      // A redelivery that was adopted meanwhile has a lease of its own.
      if (task.delivery !== deliveries[index]) continue
      if (result === 'too-late') this.#lose(task, 'its lease could not be renewed')
      else if (typeof result === 'object') this.#options.onError(result.error)
    }
  }

  #lose(task: Task, why: string): void {
    this.#options.onLost(task, new BrokerError('ERR_TOO_LATE', `The message is no longer ours: ${why}.`, { messageId: task.delivery.incoming.id ?? '' }))
  }

  async #renewMiddleware(tasks: readonly Task[]): Promise<void> {
    const runs: Run[] = []
    for (const task of tasks) if (task.run && !task.run.ended) runs.push(task.run)
    if (runs.length === 0) return
    for (const middleware of this.#options.renewing) {
      try {
        await middleware.renew?.(runs, this.#tickMs)
      } catch (error) {
        this.#options.onError(error)
      }
    }
  }
}
