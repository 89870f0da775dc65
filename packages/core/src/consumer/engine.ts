import { BoundedMemory } from '../bounded-memory.ts'
import type { Clock } from '../clock.ts'
import { DeadlineQueue, type Deadline } from '../deadline-queue.ts'
import type { Capabilities } from '../driver/capabilities.ts'
import type { MaybePromise } from '../driver/fenced-store.ts'
import type { Delivery, Intake, Outcome, Receiver, Scope, SettleResult } from '../driver/receiver.ts'
import { BrokerError } from '../errors.ts'
import type { Logger } from '../broker/types.ts'
import type { Settlement } from '../message.ts'
import type { ProcessMiddleware, RetryDeclaration } from '../middleware/types.ts'
import { Directive } from '../outcome.ts'
import type { Telemetry } from '../telemetry.ts'
import { defaultRetryDecision } from './default-retry.ts'
import { Held } from './held.ts'
import { Lanes } from './lanes.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { Run, type RunHost } from './run.ts'
import { Settler } from './settler.ts'
import { Task } from './task.ts'
import type { ConsumerStats } from './types.ts'
import { planWait } from './wait-plan.ts'

export interface EngineOptions {
  /** Name of the queue, or `topic.subscription`. */
  readonly source: string
  readonly driver: string
  readonly capabilities: Capabilities
  readonly keyed: boolean
  readonly concurrency: number
  readonly clock: Clock
  readonly random: () => number
  readonly freshId: () => string
  readonly log: Logger
  readonly telemetry: Telemetry
  readonly retry: RetryDeclaration
  readonly onExhausted: 'dead-letter' | 'block'
  readonly renewing: readonly ProcessMiddleware[]
  /** Decodes, runs the chain and the handler. Returns or throws what decides the outcome; `run.attempt` has been counted. */
  readonly process: (run: Run) => MaybePromise<unknown>
  /** Resolves when a copy is confirmed at the dead-letter place, or the message may be dropped; `discard` asks for the native way. Keeps trying until it can or `signal` fires. */
  readonly giveUp: (task: Task, directive: Directive) => Promise<'ack' | 'discard'>
  readonly onFatal: (error: BrokerError) => void
}

/** How many ids of processed messages whose ack came too late are remembered, and how many attempt counts of natively redelivered messages. */
const remembered = 10_000

/** Wait before a blocked message is tried again. */
const blockedRetryMs = 30_000

/** One consumer: takes deliveries in, starts handlers per key and slot, decides and settles outcomes. */
export class ConsumerEngine implements Intake, RunHost {
  readonly source: string
  readonly capabilities: Capabilities
  readonly clock: Clock
  readonly random: () => number
  readonly freshId: () => string
  readonly #options: EngineOptions
  readonly #lanes: Lanes
  readonly #held: Held = new Held()
  readonly #waits: DeadlineQueue<Task>
  readonly #waiting: Map<Task, Deadline<Task>> = new Map()
  readonly #attempts: BoundedMemory<number> = new BoundedMemory(remembered)
  readonly #processed: BoundedMemory<true> = new BoundedMemory(remembered)
  #receiver!: Receiver
  #settler!: Settler
  #keeper!: LeaseKeeper
  /** Runs and dead-letter copies that have not ended. */
  #active = 0
  #running = 0
  #pumping = false
  #stopped = false
  #closed = false
  #revoked: Map<Scope, () => void> = new Map()
  #onQuiet: (() => void)[] = []

  constructor(options: EngineOptions) {
    this.#options = options
    this.source = options.source
    this.capabilities = options.capabilities
    this.clock = options.clock
    this.random = options.random
    this.freshId = options.freshId
    this.#lanes = new Lanes(options.keyed)
    this.#waits = new DeadlineQueue(options.clock, (tasks) => this.#wake(tasks))
  }

  /** Before the receiver starts. */
  attach(receiver: Receiver): void {
    const { capabilities, clock, random, renewing } = this.#options
    const settlement = capabilities.settlement || { maxBatch: 1_000, lingerMs: 0 }
    this.#receiver = receiver
    this.#settler = new Settler({ receiver, maxBatch: settlement.maxBatch, lingerMs: settlement.lingerMs, clock, random, onSettled: this.#onSettled })
    this.#keeper = new LeaseKeeper({
      receiver,
      capabilities,
      held: this.#held,
      clock,
      renewing,
      onLost: (task, reason) => this.#loseAll([task], reason),
      onError: (error) => this.#options.log('warn', 'lease:failed', { source: this.source, error: String(error) }),
    })
  }

  get stats(): ConsumerStats {
    return { held: this.#held.size, running: this.#running, waiting: this.#waiting.size, keys: this.#lanes.keys }
  }

  // Intake

  deliver(deliveries: readonly Delivery[]): void {
    if (this.#closed) return
    const now = this.clock.monotonic()
    let known: Map<string, Task> | undefined
    let bytes = 0
    for (const delivery of deliveries) {
      bytes += delivery.incoming.bodyBytes
      if (this.#revoked.has(delivery.scope)) continue
      let attempt = delivery.incoming.attempt
      if (delivery.sameAs !== undefined && delivery.brokerAttempts !== 1) {
        known ??= this.#held.byIdentity()
        if (this.#adopt(known.get(delivery.sameAs), delivery)) continue
        if (this.#processed.take(delivery.sameAs)) {
          this.#ackAgain(delivery, now)
          continue
        }
        attempt = Math.max(attempt, this.#attempts.take(delivery.sameAs) ?? 0)
      }
      const task = new Task(delivery, now, attempt)
      this.#held.add(task)
      this.#lanes.add(task)
    }
    this.#options.telemetry.receive?.({ source: this.source, driver: this.#options.driver, messages: deliveries.length, bytes })
    this.#keeper.arm()
    this.#pump()
  }

  lost(scope: Scope, reason: BrokerError): void {
    this.#loseAll(this.#held.ofScope(scope), reason)
  }

  async revoke(scope: Scope, deadlineMs: number): Promise<void> {
    const gone = new Promise<void>((resolve) => this.#revoked.set(scope, resolve))
    for (const task of this.#held.ofScope(scope)) if (task.phase === 'queued' || task.phase === 'waiting') this.#forget(task)
    this.#settler.flush()
    const timer = this.clock.timer(this.clock.monotonic() + deadlineMs, () => {
      const reason = new BrokerError('ERR_TOO_LATE', 'The partition moves to another process and the deadline has passed.')
      for (const task of this.#held.ofScope(scope)) task.run?.abort(reason)
      this.#revoked.get(scope)?.()
    })
    this.#checkRevoked()
    await gone
    timer.cancel()
    this.#revoked.delete(scope)
    this.#pump()
  }

  failed(error: BrokerError, fatal: boolean): void {
    this.#options.log(fatal ? 'error' : 'warn', 'receiver:failed', { source: this.source, code: error.code, message: error.message, fatal })
    if (fatal) this.#options.onFatal(error)
  }

  // Ending

  /** Starts nothing more; what waits for a retry counts as not begun. */
  stop(): void {
    this.#stopped = true
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

  /** After `handBack`: forgets everything. */
  close(): void {
    this.#closed = true
    this.#stopped = true
    this.#keeper.close()
    this.#waits.clear()
  }

  // Running

  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    while (!this.#stopped && this.#running < this.#options.concurrency) {
      const task = this.#lanes.take()
      if (!task) break
      this.#start(task)
    }
    this.#pumping = false
  }

  #start(task: Task): void {
    const run = new Run(task, this, task.attempt + 1)
    task.attempt = run.attempt
    task.phase = 'running'
    task.run = run
    this.#running++
    this.#active++
    let result: MaybePromise<unknown>
    try {
      result = this.#options.process(run)
    } catch (error) {
      this.#end(run, this.#decisionOn(run, error))
      return
    }
    if (result instanceof Promise) {
      result.then(
        (value) => this.#end(run, value instanceof Directive ? value : undefined),
        (error: unknown) => this.#end(run, this.#decisionOn(run, error)),
      )
    } else {
      this.#end(run, result instanceof Directive ? result : undefined)
    }
  }

  #decisionOn(run: Run, error: unknown): Directive {
    if (error instanceof Directive) return error
    // The failure is ours, not the handler's: the lease was lost and has come back by an adopted redelivery.
    if (run.aborted && !run.task.lost) return new Directive('retry', { error })
    return defaultRetryDecision(run, error)
  }

  #end(run: Run, directive: Directive | undefined): void {
    const { task } = run
    run.ended = true
    this.#running--
    if (run.decided) this.#afterRun(run)
    else if (task.lost) this.#endLost(task, directive)
    else this.#decide(task, directive)
    this.#endActive()
    this.#pump()
  }

  #endLost(task: Task, directive: Directive | undefined): void {
    const identity = task.delivery.sameAs
    this.#forget(task)
    if (!directive && identity !== undefined) this.#processed.set(identity, true)
  }

  #afterRun(run: Run): void {
    if (run.atEnd === 'finish-lane') this.#lanes.finish(run.task)
    else if (run.atEnd === 'run-again') this.#enqueueAgain(run.task)
  }

  #endActive(): void {
    this.#active--
    if (this.#active === 0 && this.#onQuiet.length > 0) for (const resolve of this.#onQuiet.splice(0)) resolve()
  }

  // Deciding

  #decide(task: Task, directive: Directive | undefined, waiter?: (result: SettleResult) => void): void {
    if (!directive) {
      this.#settle(task, { delivery: task.delivery, action: 'ack' }, waiter)
    } else if (directive.action === 'dead-letter') {
      this.#noteFailure(task)
      if (this.#options.onExhausted === 'block') this.#block(task, directive, waiter)
      else void this.#giveUp(task, directive, waiter)
    } else {
      this.#noteFailure(task)
      this.#retry(task, directive, waiter)
    }
  }

  #noteFailure(task: Task): void {
    task.firstFailureAt ??= this.clock.now()
  }

  #settle(task: Task, outcome: Outcome, waiter?: (result: SettleResult) => void): void {
    task.phase = 'settling'
    this.#settler.push(task, outcome, waiter)
    this.#finishLane(task)
  }

  #finishLane(task: Task): void {
    if (task.run && !task.run.ended) task.run.atEnd = 'finish-lane'
    else this.#lanes.finish(task)
  }

  #retry(task: Task, directive: Directive, waiter?: (result: SettleResult) => void): void {
    const { delayMs } = directive
    if (!directive.counts) task.attempt--
    switch (planWait(this.capabilities, task.lane !== undefined, delayMs, this.#options.retry.holdMs)) {
      case 'process':
        this.#hold(task, delayMs)
        waiter?.('accepted')
        return
      case 'broker':
        this.#retryAtBroker(task, delayMs, waiter)
        return
      case 'refused':
        void this.#giveUp(task, new Directive('dead-letter', { reason: `a wait of ${delayMs} ms can neither be held nor given to the broker`, error: directive.error }), waiter)
    }
  }

  #hold(task: Task, delayMs: number): void {
    if (delayMs === 0) {
      this.#wake([task])
      return
    }
    task.phase = 'waiting'
    if (this.#revoked.has(task.delivery.scope)) {
      this.#forget(task)
      return
    }
    this.#waiting.set(task, this.#waits.add(this.clock.monotonic() + delayMs, task))
  }

  #wake(tasks: readonly Task[]): void {
    for (const task of tasks) {
      this.#waiting.delete(task)
      if (task.run && !task.run.ended) task.run.atEnd = 'run-again'
      else this.#enqueueAgain(task)
    }
    this.#pump()
  }

  #enqueueAgain(task: Task): void {
    if (task.lost || this.#revoked.has(task.delivery.scope)) {
      this.#forget(task)
      return
    }
    task.phase = 'queued'
    this.#lanes.again(task)
  }

  #retryAtBroker(task: Task, delayMs: number, waiter?: (result: SettleResult) => void): void {
    if (task.delivery.sameAs !== undefined) this.#attempts.set(task.delivery.sameAs, task.attempt)
    // The broker holds the key back only if it also holds what came after the failed message.
    const tail = this.capabilities.keyHold === 'broker' ? this.#lanes.cutTail(task) : []
    this.#settle(task, { delivery: task.delivery, action: 'retry', delayMs, attempt: task.attempt }, waiter)
    for (const next of tail) {
      next.phase = 'settling'
      this.#settler.push(next, { delivery: next.delivery, action: 'release' })
    }
  }

  #block(task: Task, directive: Directive, waiter?: (result: SettleResult) => void): void {
    this.#options.log('warn', 'key:blocked', { source: this.source, key: task.key, messageId: task.delivery.incoming.id, attempts: task.attempt, reason: directive.reason })
    this.#hold(task, blockedRetryMs)
    waiter?.('accepted')
  }

  async #giveUp(task: Task, directive: Directive, waiter?: (result: SettleResult) => void): Promise<void> {
    task.phase = 'settling'
    this.#active++
    try {
      const action = await this.#options.giveUp(task, directive)
      if (task.lost) this.#forget(task)
      else this.#settle(task, { delivery: task.delivery, action }, waiter)
    } catch (error) {
      // Only when the consumer closes meanwhile: the message is still the broker's and comes again.
      this.#options.log('warn', 'dead-letter:failed', { source: this.source, messageId: task.delivery.incoming.id, error: String(error) })
      waiter?.('too-late')
    } finally {
      this.#endActive()
      this.#pump()
    }
  }

  // Settling

  readonly #onSettled = (task: Task, outcome: Outcome, result: SettleResult, waiter?: (result: SettleResult) => void): void => {
    const identity = outcome.delivery.sameAs
    if (result === 'too-late' && outcome.action === 'ack') {
      if (task.delivery !== outcome.delivery && !task.lost) {
        this.#settler.push(task, { delivery: task.delivery, action: 'ack' }, waiter)
        return
      }
      if (identity !== undefined) this.#processed.set(identity, true)
      this.#options.log('warn', 'settle:too-late', { source: this.source, messageId: outcome.delivery.incoming.id })
    } else if (typeof result === 'object') {
      this.#options.log('error', 'settle:failed', { source: this.source, messageId: outcome.delivery.incoming.id, action: outcome.action, message: result.error.message })
    }
    this.#options.telemetry.settle?.({
      source: this.source,
      id: outcome.delivery.incoming.id ?? '',
      action: outcome.action === 'discard' ? 'dead-letter' : outcome.action,
      result: typeof result === 'object' ? 'error' : result,
    })
    this.#remove(task)
    waiter?.(result)
  }

  #remove(task: Task): void {
    task.phase = 'ended'
    this.#held.remove(task)
    if (this.#revoked.size > 0) this.#checkRevoked()
  }

  #checkRevoked(): void {
    for (const [scope, resolve] of this.#revoked) if (this.#held.ofScope(scope).length === 0) resolve()
  }

  #ackAgain(delivery: Delivery, now: number): void {
    const task = new Task(delivery, now, 0)
    this.#held.add(task)
    task.phase = 'settling'
    this.#settler.push(task, { delivery, action: 'ack' })
  }

  // Losing

  #adopt(task: Task | undefined, delivery: Delivery): boolean {
    if (!task || task.phase === 'ended') return false
    const { lease } = this.capabilities
    const receiptIsDead = task.lost || (lease !== false && lease.kind === 'message')
    if (!receiptIsDead) return false
    task.delivery = delivery
    task.receivedAt = this.clock.monotonic()
    task.lost = false
    return true
  }

  #loseAll(tasks: readonly Task[], reason: BrokerError): void {
    for (const task of tasks) {
      if (task.lost || task.phase === 'ended') continue
      task.lost = true
      if (task.phase === 'running' || (task.run && !task.run.ended)) task.run?.abort(reason)
      else if (task.phase !== 'settling') this.#forget(task)
    }
    if (tasks.length > 0) this.#options.log('warn', 'lease:lost', { source: this.source, messages: tasks.length, reason: reason.message })
    this.#pump()
  }

  /** The broker has it, or will give it out again; remembers how often it was started. */
  #forget(task: Task): void {
    const entry = this.#waiting.get(task)
    const wasReady = task.phase === 'queued'
    if (entry !== undefined) {
      this.#waiting.delete(task)
      this.#waits.remove(entry)
    }
    if (task.delivery.sameAs !== undefined && task.attempt > 0) this.#attempts.set(task.delivery.sameAs, task.attempt)
    this.#remove(task)
    // A queued task is still in the ready list or behind its lane's head, and is passed over there.
    if (!wasReady) this.#lanes.finish(task)
  }

  // Settle calls of the user

  settleNow(run: Run, directive: Directive | undefined): Promise<Settlement> {
    const { task } = run
    if (run.decided) return Promise.reject(new TypeError('The message is already settled: settle it once.'))
    if (run.ended || task.run !== run || task.lost || this.#closed) return Promise.resolve('too-late')
    if (directive?.action === 'retry' && planWait(this.capabilities, task.lane !== undefined, directive.delayMs, this.#options.retry.holdMs) === 'refused') return Promise.resolve('unsupported')
    run.decided = true
    run.settled = directive?.action ?? 'ack'
    return new Promise((resolve, reject) => {
      this.#decide(task, directive, (result) => (typeof result === 'object' ? reject(result.error) : resolve(result)))
      run.onDecided?.()
    })
  }

  async extendNow(run: Run, ms: number): Promise<Settlement> {
    const { task } = run
    if (task.run !== run || task.lost || task.phase === 'ended' || this.#closed) return 'too-late'
    const { lease } = this.capabilities
    if (!lease) return 'unsupported'
    if (lease.kind === 'scope') return lease.maxHoldMs === false || this.clock.monotonic() + ms <= task.receivedAt + lease.maxHoldMs ? 'accepted' : 'unsupported'
    if (this.clock.monotonic() + ms > task.receivedAt + lease.maxMs) return 'unsupported'
    const [result] = (await this.#receiver.extend?.([task.delivery], ms)) ?? []
    if (typeof result === 'object') throw result.error
    return result ?? 'unsupported'
  }
}
