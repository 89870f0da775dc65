import type { MaybePromise } from '../driver/fenced-store.ts'
import type { Delivery, Intake, Outcome, Receiver, Scope, SettleResult } from '../driver/receiver.ts'
import { BrokerError } from '../errors.ts'
import type { Settlement } from '../message.ts'
import type { Directive } from '../outcome.ts'
import { load } from '../lazy.ts'
import { promised } from '../promised.ts'
import { blockedRetryMs, Decider, type Answer, type DeciderHost } from './decider.ts'
import { directiveOf } from './directive-of.ts'
import type { EngineOptions } from './engine-options.ts'
import { Held } from './held.ts'
import { Lanes } from './lanes.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { Ownership, type OwnershipHost } from './ownership.ts'
import { Remembered } from './remembered.ts'
import { RetryWaits } from './retry-waits.ts'
import { Run, type RunHost } from './run.ts'
import { Settler } from './settler.ts'
import { Task, type Past } from './task.ts'
import type { ConsumerStats } from './types.ts'
import { longestHoldMs, messageLease } from './wait-plan.ts'

/** One consumer: takes deliveries in, starts handlers per key and slot, and settles what was decided. */
export class ConsumerEngine implements Intake, RunHost, DeciderHost, OwnershipHost {
  readonly options: EngineOptions
  /** Its receiver has failed and not recovered. */
  failing = false
  readonly #lanes: Lanes
  readonly #held: Held
  readonly #waits: RetryWaits
  readonly #decider: Decider
  readonly #remembered: Remembered = new Remembered()
  readonly #ownership: Ownership
  #receiver!: Receiver
  #settler!: Settler
  #keeper!: LeaseKeeper
  #attached = false
  #running = 0
  /** Runs, and dead letters that are being written. */
  #active = 0
  #pumping = false
  #heldUp = false
  #stopped = false
  #closed = false
  #onQuiet: (() => void)[] = []

  constructor(options: EngineOptions) {
    this.options = options
    this.#lanes = new Lanes(options.keyed)
    this.#held = new Held(!messageLease(options.capabilities))
    this.#ownership = new Ownership(this.#held, options, this)
    this.#waits = new RetryWaits(options.clock, (tasks) => this.#wake(tasks))
    this.#decider = new Decider(options, this)
  }

  /** Before the receiver starts. In place of one that could not start: what that has delivered is no longer ours. */
  attach(receiver: Receiver): void {
    if (this.#attached) this.#detach()
    this.#attached = true
    const { capabilities, clock, random, renewing, log, source } = this.options
    const { maxBatch, lingerMs } = capabilities.settlement || { maxBatch: 1_000, lingerMs: 0 }
    this.#receiver = receiver
    this.#settler = new Settler({ receiver, maxBatch, lingerMs, clock, random, onSettled: this.#onSettled })
    this.#keeper = new LeaseKeeper({
      receiver,
      capabilities,
      held: this.#held,
      clock,
      renewing,
      onLost: (task, reason) => this.#ownership.lose([task], reason),
      onError: (error) => log('warn', 'lease:failed', { source, error: String(error) }),
    })
  }

  #detach(): void {
    this.#keeper.close()
    this.#ownership.lose(this.#held.all(), new BrokerError('ERR_TOO_LATE', 'Its receiver could not start.'))
    this.#settler.close()
  }

  get tasks(): readonly Task[] {
    return this.#held.all()
  }

  /** Ends the wait of a task. */
  retryNow(task: Task): void {
    if (task.phase !== 'waiting') return
    this.#waits.remove(task)
    this.#wake([task])
  }

  get stats(): ConsumerStats {
    const blocked = this.tasks.filter((task) => task.blocked).length
    return { held: this.#held.size, running: this.#running, waiting: this.#waits.size, keys: this.#lanes.keys, blocked }
  }

  // Intake

  deliver(deliveries: readonly Delivery[]): void {
    if (this.#closed) return
    const now = this.options.clock.monotonic()
    let bytes = 0
    for (const delivery of deliveries) {
      bytes += delivery.incoming.bodyBytes
      if (this.#ownership.moves(delivery.scope)) continue
      let past: Past | undefined
      if (delivery.sameAs !== undefined && delivery.brokerAttempts !== 1) {
        const holder = this.#held.holderOf(delivery)
        if (holder) {
          this.#ownership.adopt(holder, delivery, now)
          continue
        }
        const entry = this.#remembered.take(delivery)
        if (entry === 'handled') {
          this.#ackUnhandled(delivery, now)
          continue
        }
        past = entry
      }
      const task = new Task(delivery, now, past)
      this.#held.add(task)
      this.#lanes.add(task)
    }
    const { telemetry, source, driver } = this.options
    telemetry.receive?.({ source, driver, messages: deliveries.length, bytes })
    this.#keeper.arm()
    this.pump()
    this.#watchWindow()
  }

  /** Says when failing keys hold more than half of the window: other keys still go on, but with less and less room. */
  #watchWindow(): void {
    const { windowMessages: window, log, source } = this.options
    const heldUp = this.#waits.size > 0 && (this.#held.size - this.#running - this.#lanes.ready) * 2 > window
    if (heldUp && !this.#heldUp) log('warn', 'window:held-up', { source, window, ...this.stats })
    this.#heldUp = heldUp
  }

  lost(scope: Scope, reason: BrokerError): void {
    this.#ownership.lose(this.#held.ofScope(scope), reason)
  }

  revoke(scope: Scope, deadlineMs: number): Promise<void> {
    const handedOver = this.#ownership.handOver(scope, deadlineMs)
    // What has been decided is not to wait for more.
    this.#settler.flush()
    return handedOver
  }

  failed(error: BrokerError, fatal: boolean): void {
    this.failing = true
    const { log, source, onFatal } = this.options
    log(fatal ? 'error' : 'warn', 'receiver:failed', { source, code: error.code, message: error.message, fatal })
    if (fatal) onFatal(error)
  }

  recovered(): void {
    if (!this.failing) return
    this.failing = false
    this.options.log('info', 'receiver:recovered', { source: this.options.source })
  }

  // Ending

  /** Starts nothing more; what waits for a retry counts as not begun. */
  stop(): void {
    this.#stopped = true
    this.options.onStop?.()
  }

  /** Resolves when no handler runs and no dead letter is being written. */
  async quiet(): Promise<void> {
    while (this.#active > 0) await new Promise<void>((resolve) => this.#onQuiet.push(resolve))
  }

  /** Resolves when everything decided has been settled. */
  settled(): Promise<void> {
    return this.#settler.idle()
  }

  abortAll(reason: Error): void {
    for (const task of this.#held.all()) task.run?.abort(reason)
  }

  /** Takes no more in, and answers what is undecided with too-late. */
  close(): void {
    this.#closed = true
    this.#stopped = true
    this.options.suspensions?.end()
    this.#waits.clear()
    if (!this.#attached) return
    this.#keeper.close()
    this.#settler.close()
  }

  // Running

  /** Starts what may be started now. */
  pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    while (!this.#stopped && !this.options.suspensions?.any && this.#running < this.options.concurrency) {
      const task = this.#lanes.take()
      if (!task) break
      this.#start(task)
    }
    this.#pumping = false
  }

  #start(task: Task): void {
    const restMs = task.notBefore && task.notBefore - this.options.clock.monotonic()
    task.notBefore = 0
    if (restMs > 0 && this.#decider.wait(task, restMs)) return
    const { givenUp } = task
    const run = new Run(task, this, givenUp ? task.attempt : ++task.attempt)
    task.run = run
    if (givenUp) {
      run.ended = true
      this.#decider.decide(task, givenUp)
      return
    }
    task.phase = 'running'
    this.#running++
    this.#active++
    const { decide, process } = this.options
    let result: MaybePromise<unknown>
    try {
      result = promised(process(run))
    } catch (error) {
      this.#end(run, directiveOf(run, decide, error, true))
      return
    }
    if (result instanceof Promise) {
      result.then(
        (value) => this.#end(run, directiveOf(run, decide, value)),
        (error: unknown) => this.#end(run, directiveOf(run, decide, error, true)),
      )
    } else {
      this.#end(run, directiveOf(run, decide, result))
    }
  }

  #end(run: Run, directive: Directive | undefined): void {
    const { task } = run
    run.ended = true
    this.#running--
    if (run.atEnd === 'finish-lane') this.#lanes.finish(task)
    else if (run.atEnd === 'run-again') this.#enqueueAgain(task)
    else if (run.settled === undefined) this.#decideAtEnd(task, directive)
    if (run.settled !== undefined && directive) void load(this.options.clock, 'telling').then(({ tellIgnored }) => tellIgnored(this.options, run, directive))
    this.#endActive()
    this.pump()
  }

  #decideAtEnd(task: Task, directive: Directive | undefined): void {
    if (!task.lost) {
      this.#decider.decide(task, directive)
      return
    }
    this.forget(task)
    if (!directive) this.#remembered.handled(task.delivery)
  }

  #endActive(): void {
    this.#active--
    if (this.#active === 0 && this.#onQuiet.length > 0) for (const resolve of this.#onQuiet.splice(0)) resolve()
  }

  #wake(tasks: readonly Task[]): void {
    for (const task of tasks) {
      if (task.run && !task.run.ended) task.run.atEnd = 'run-again'
      else this.#enqueueAgain(task)
    }
    this.pump()
  }

  #enqueueAgain(task: Task): void {
    if (task.lost || this.#ownership.moves(task.delivery.scope)) {
      this.forget(task)
      return
    }
    if (task.skipped !== undefined) {
      this.#decider.skip(task, task.skipped)
      return
    }
    task.phase = 'queued'
    this.#lanes.again(task)
  }

  // What the decider asks for

  settle(task: Task, outcome: Outcome, answer: Answer): void {
    task.phase = 'settling'
    task.givenBack = outcome.action === 'retry' || outcome.action === 'release'
    this.#settler.push(task, outcome, answer)
    // The lane goes on when its tail has been released.
    if (outcome.action === 'release' || (this.options.capabilities.keyHold === 'broker' && outcome.action === 'retry')) return
    this.finishLane(task)
  }

  hold(task: Task, delayMs: number): void {
    task.phase = 'waiting'
    if (this.#closed) return
    if (this.#ownership.moves(task.delivery.scope)) this.forget(task)
    // By the clock even if there is nothing to wait for: a handler that always asks for another start must not keep everything else from running.
    else this.#waits.add(task, delayMs)
  }

  releaseTail(task: Task): void {
    this.releaseBehind(task)
    this.finishLane(task)
  }

  /** Gives back what waits behind the task, unstarted. */
  releaseBehind(task: Task): void {
    const tail = this.#lanes.cutTail(task)
    // All of them before any is pushed: a push may settle at once, and a driver may tell in it that others are lost.
    for (const next of tail) {
      next.phase = 'settling'
      next.givenBack = true
    }
    for (const next of tail) this.#settler.push(next, { delivery: next.delivery, action: 'release' })
  }

  rememberAttempts(task: Task): void {
    this.#remembered.attempts(task)
  }

  track(work: Promise<void>): void {
    this.#active++
    void work.finally(() => {
      this.#endActive()
      this.pump()
    })
  }

  /** The broker has it, or will give it out again. */
  forget(task: Task): void {
    const queued = task.phase === 'queued'
    this.#waits.remove(task)
    this.rememberAttempts(task)
    this.#remove(task)
    if (queued) this.#lanes.drop(task)
    else this.finishLane(task)
  }

  finishLane(task: Task): void {
    if (task.run && !task.run.ended) task.run.atEnd = 'finish-lane'
    else this.#lanes.finish(task)
  }

  // Settled

  readonly #onSettled = (task: Task, outcome: Outcome, result: SettleResult, answer: Answer): void => {
    const { incoming } = outcome.delivery
    const { log, source, onSettled } = this.options
    // A redelivery was adopted meanwhile: whatever became of the old receipt, the new one is open.
    if ((outcome.action === 'ack' || outcome.action === 'discard') && task.delivery !== outcome.delivery && !task.lost && !this.#closed) {
      const gone = result === 'durable' || result === 'accepted'
      this.#settler.push(task, { delivery: task.delivery, action: gone ? 'ack' : outcome.action }, answer)
      return
    }
    const failed = typeof result === 'object'
    const unacked = outcome.action === 'ack' && (failed || result === 'too-late')
    if (unacked && !task.hasDouble) this.#remembered.handled(outcome.delivery)
    if (unacked && (!failed || task.lost)) {
      log('warn', 'settle:too-late', { source, messageId: incoming.id })
    } else if (failed) {
      log('error', 'settle:failed', { source, messageId: incoming.id, action: outcome.action, message: result.error.message })
      if (this.#keep(task, outcome)) {
        answer?.(result)
        return
      }
    }
    onSettled?.(task, outcome, result)
    this.#remove(task)
    answer?.(result)
  }

  /** Without a lease of its own, what the broker would not take back stays here unsettled and fills the window until its scope ends: it starts again here. */
  #keep(task: Task, outcome: Outcome): boolean {
    if (task.lost || this.#closed || this.#stopped || messageLease(this.options.capabilities)) return false
    if (outcome.action !== 'retry' && outcome.action !== 'discard') return false
    task.givenBack = false
    this.hold(task, outcome.action === 'retry' ? Math.min(outcome.delayMs, longestHoldMs(this.options.capabilities)) : blockedRetryMs)
    return true
  }

  #remove(task: Task): void {
    task.phase = 'ended'
    if (this.#held.remove(task)) this.#ownership.leave(task.delivery.scope)
  }

  #ackUnhandled(delivery: Delivery, now: number): void {
    const task = new Task(delivery, now)
    task.phase = 'settling'
    this.#held.add(task)
    this.#settler.push(task, { delivery, action: 'ack' })
  }

  // Settle calls of the user

  settleNow(run: Run, directive: Directive | undefined): Promise<Settlement> {
    const { task } = run
    if (run.settled !== undefined) return Promise.reject(new TypeError('The message is already settled: settle it once.'))
    if (run.ended || task.run !== run || task.lost || this.#closed) return Promise.resolve('too-late')
    if (directive?.action === 'retry' && this.#decider.refuses(task, directive.delayMs)) return Promise.resolve('unsupported')
    run.settled = directive?.action ?? 'ack'
    return new Promise((resolve, reject) => {
      this.#decider.decide(task, directive, (result) => (typeof result === 'object' ? reject(result.error) : resolve(result)))
      run.onDecided?.()
    })
  }

  async extendNow(run: Run, ms: number): Promise<Settlement> {
    const { task } = run
    const { extend } = await load(this.options.clock, 'leases')
    if (run.ended || task.run !== run || task.lost || this.#closed || run.settled !== undefined) return 'too-late'
    return extend(task, ms, this.#receiver, this.options)
  }
}
