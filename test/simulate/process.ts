import type { Broker, Clock } from '@busbar/core'
import type { Driver } from '@busbar/core/driver'
import type { MemoryDriver } from '@busbar/memory'
import type { Crashes } from './crashes.ts'
import type { Externals } from './externals.ts'
import { guardedDriver, never, type Guard, type Watch } from './guarded-driver.ts'
import { heldBy, type MemoryLink } from './holdings.ts'
import { count, type History } from './history.ts'
import { ProcessClock } from './process-clock.ts'

/** Makes another driver out of the sound one: for simulations of broken drivers, which must be found out. */
export type Wrap = (driver: Driver) => Driver

/** What a process runs in. */
export interface Surroundings {
  readonly clock: Clock
  readonly externals: Externals
  readonly driver: MemoryDriver
  readonly deadLetters: MemoryDriver
  readonly history: History
  readonly crashes: Crashes
  readonly trace: (line: string) => void
  readonly wrap: Wrap | undefined
  readonly watch: (process: Process) => Watch
}

export interface Identity {
  readonly name: string
  /** How far its wall clock is ahead of the others, in milliseconds. */
  readonly skewMs: number
}

/** How something that a process was asked for has ended. */
export type Ended<T> = { readonly how: 'done'; readonly value: T } | { readonly how: 'failed'; readonly error: unknown } | { readonly how: 'crashed' }

/**
 * One process of a simulated program: a broker of core, and its connections as the memory broker sees them. Every call that leaves it (to brokers, stores, and
 * through its clock) is a step at which it may crash. From then on nothing that it calls has an effect or answers, and its connections are gone.
 */
export class Process implements Guard {
  readonly name: string
  readonly clock: ProcessClock
  readonly broker: Broker
  /** Resolves when the process has crashed or was drained. */
  readonly gone: Promise<void>
  alive = true
  handingOver = 0
  /** Has a drain been asked for? */
  ending = false
  readonly #around: Surroundings
  readonly #links: Set<MemoryLink> = new Set()
  /** Ids whose effect took place here, and is not known to the store of claims. */
  readonly #open: Set<string> = new Set()
  readonly #crashed: PromiseWithResolvers<void> = Promise.withResolvers()
  /** Has a drain ended? Nothing may be started, or held, from then on. */
  #drained = false
  /** Promises of it that have not settled. */
  #promises = 0
  #resolveGone: () => void = () => undefined

  constructor(
    { name, skewMs }: Identity,
    around: Surroundings,
    start: (drivers: { readonly driver: Driver; readonly deadLetters: Driver }, process: Process) => Broker,
  ) {
    this.name = name
    this.#around = around
    this.clock = new ProcessClock({ clock: around.clock, externals: around.externals, alive: () => this.alive, skewMs })
    this.gone = new Promise((resolve) => (this.#resolveGone = resolve))
    const driver = guardedDriver(around.driver, this, '', around.watch(this))
    this.broker = start({ driver: around.wrap?.(driver) ?? driver, deadLetters: guardedDriver(around.deadLetters, this, 'dead ') }, this)
  }

  call<T>(what: string, act: () => T | Promise<T>): T | Promise<T> {
    if (!this.alive || this.#step(`before ${what}`)) return never()
    const answer = act()
    if (!this.alive || this.#step(`after ${what}`)) {
      // Nobody hears that it has failed.
      if (answer instanceof Promise) answer.catch(() => undefined)
      return never()
    }
    if (!(answer instanceof Promise)) return answer
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    answer.then(
      (value) => {
        if (this.alive) resolve(value)
      },
      (error: unknown) => {
        if (this.alive) reject(error)
      },
    )
    return promise
  }

  /** Without a word: what its connections held comes again. */
  crash(step: string): void {
    const { history } = this.#around
    this.#say(`crashes ${step}`)
    this.alive = false
    history.tried.crashes++
    count(history.crashedAt, step)
    history.tried.windows += this.#open.size
    for (const id of this.#open) count(history.windows, id)
    for (const link of this.#links) void link.close()
    this.#crashed.resolve()
    this.#resolveGone()
  }

  /** Waits for something that the process was asked for, as long as the process lives. */
  async attempt<T>(work: Promise<T>): Promise<Ended<T>> {
    this.#promises++
    const ended = work.then(
      (value): Ended<T> => {
        this.#promises--
        return { how: 'done', value }
      },
      (error: unknown): Ended<T> => {
        this.#promises--
        return { how: 'failed', error }
      },
    )
    return Promise.race([ended, this.#crashed.promise.then((): Ended<T> => ({ how: 'crashed' }))])
  }

  /** Promises that a process which lived on has left unsettled. */
  get unsettled(): number {
    return this.alive ? this.#promises : 0
  }

  /** Drains the broker, and looks at what it leaves behind. */
  async drain(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const { history, driver } = this.#around
    this.ending = true
    this.#say('drains')
    const ended = await this.attempt(this.broker.drain(options))
    if (ended.how === 'crashed') return
    if (ended.how === 'failed') history.problems.add(`drain: it failed with ${String(ended.error)}`)
    this.#say('is drained')
    this.#drained = true
    history.tried.drains++
    for (const link of this.#links) {
      if (link.native !== driver) continue
      history.heldAfterDrain += heldBy(link, driver)
      if (driver.links.has(link)) history.linksAfterDrain++
    }
    this.#resolveGone()
  }

  get drained(): boolean {
    return this.#drained
  }

  /** Call it whenever a handler is started. */
  started(id: string, attempt: number): void {
    this.#say(`handles ${id} #${attempt}`)
    if (this.#drained && this.alive) this.#around.history.startedAfterDrain++
  }

  /** The effect of a message takes place. */
  effect(id: string): void {
    this.#say(`has handled ${id}`)
    count(this.#around.history.effects, id)
    this.#open.add(id)
  }

  /** The store of claims has the id as handled, or its handling is over without that: whatever comes now is not the crash's doing. */
  closed(id: string): void {
    this.#open.delete(id)
  }

  /** Virtual time of the process. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.timer(this.clock.monotonic() + ms, resolve))
  }

  opened(link: MemoryLink): void {
    this.#links.add(link)
  }

  /** What is held when the link closes was not handed back: it comes again only when a lease ends, or as if the process had crashed. */
  closing(link: MemoryLink): void {
    if (link.native === this.#around.driver) this.#around.history.heldAtClose += heldBy(link, this.#around.driver)
  }

  #say(what: string): void {
    const { clock, trace } = this.#around
    trace(`${clock.monotonic()} ${this.name} ${what}`)
  }

  #step(step: string): boolean {
    if (!this.#around.crashes.at(step)) return false
    this.crash(step)
    return true
  }
}
