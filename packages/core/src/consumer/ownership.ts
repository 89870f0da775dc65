import type { Delivery, Scope } from '../driver/receiver.ts'
import { BrokerError } from '../errors.ts'
import type { EngineOptions } from './engine-options.ts'
import type { Held } from './held.ts'
import type { Task } from './task.ts'
import { messageLease } from './wait-plan.ts'

/** What happens to tasks that are ours no longer. */
export interface OwnershipHost {
  forget(task: Task): void
  /** Gives back what waits behind the task, unstarted. */
  releaseBehind(task: Task): void
  /** Starts what may be started now. */
  pump(): void
}

/** Which tasks are still ours: receipts die with their scopes or leases, redeliveries revive them, and partitions move to other processes. */
export class Ownership {
  readonly #held: Held
  readonly #options: EngineOptions
  readonly #host: OwnershipHost
  /** Scopes that move to another process, with the number of their tasks that are still to be settled. */
  readonly #moving: Map<Scope, { left: number; readonly done: () => void }> = new Map()

  constructor(held: Held, options: EngineOptions, host: OwnershipHost) {
    this.#held = held
    this.#options = options
    this.#host = host
  }

  /** Does the scope move to another process? Nothing of it is started any more. */
  moves(scope: Scope): boolean {
    return this.#moving.has(scope)
  }

  /** One task of the scope less. */
  leave(scope: Scope): void {
    const moving = this.#moving.get(scope)
    if (moving && --moving.left === 0) moving.done()
  }

  /** The task goes on with the receipt of a redelivery. */
  adopt(task: Task, delivery: Delivery, now: number): void {
    const { scope } = task.delivery
    this.#held.adopt(task, delivery)
    task.receivedAt = now
    this.leave(scope)
  }

  lose(tasks: readonly Task[], reason: BrokerError): void {
    if (tasks.length === 0) return
    const { capabilities, log, source } = this.#options
    // With a lease per message the later ones of the key may still be ours, but the lost one now comes first somewhere else.
    const alone = messageLease(capabilities)
    for (const task of tasks) {
      if (task.lost || task.phase === 'ended') continue
      task.lost = true
      this.#held.lost(task)
      if (alone && task.phase !== 'settling') this.#host.releaseBehind(task)
      if (task.run && !task.run.ended) task.run.abort(reason)
      else if (task.phase !== 'settling') this.#host.forget(task)
    }
    log('warn', 'lease:lost', { source, messages: tasks.length, reason: reason.message })
    this.#host.pump()
  }

  /** Resolves when what runs of the scope has been settled, or at the deadline. */
  async handOver(scope: Scope, deadlineMs: number): Promise<void> {
    const { clock } = this.#options
    const tasks = this.#held.ofScope(scope)
    const { promise: gone, resolve: done } = Promise.withResolvers<void>()
    this.#moving.set(scope, { left: tasks.length, done })
    if (tasks.length === 0) done()
    for (const task of tasks) if (task.phase === 'queued' || task.phase === 'waiting') this.#host.forget(task)
    const timer = clock.timer(clock.monotonic() + deadlineMs, () => {
      const reason = new BrokerError('ERR_TOO_LATE', 'The partition has moved to another process.')
      for (const task of this.#held.ofScope(scope)) task.run?.abort(reason)
      done()
    })
    await gone
    timer.cancel()
    this.#moving.delete(scope)
    this.#host.pump()
  }
}
