import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connect } from '@busbar/core'
import type { Backend } from './backends/backend.ts'
import { Books } from './books.ts'
import type { Verdict } from './checker.ts'
import { driversWith, leasesIn } from './drivers.ts'
import { Fleet, tell, type Member } from './fleet.ts'
import { HistoryWriter } from './history.ts'
import { processFaults } from './process-faults.ts'
import { hash } from './message-id.ts'
import type { Recovery } from './recovery.ts'
import { isClean } from './report.ts'
import { script, type FaultKind, type Step } from './script.ts'
import type { ConsumerSettings, ProducerSettings } from './settings.ts'
import { workloadOf } from './workload.ts'

export interface RunOptions {
  readonly messages: number
  readonly seed: number
  readonly minutes: number
  /** Keeps the histories also of a run that was clean. */
  readonly keep: boolean
  readonly redisUrl: string | undefined
  readonly say: (text: string) => void
}

export interface RunReport {
  readonly verdict: Verdict
  readonly recoveries: readonly Recovery[]
  /** How many have struck. */
  readonly faults: number
  readonly seconds: number
  /** Of the histories; gone if all is well, unless they are to be kept. */
  readonly folder: string
}

const consumers = 2
const producers = 2
const keys = 48
/** Part of the time in which faults strike; in the rest, and at least for a second, the last ones heal while messages are still sent. */
const faultyPart = 0.85
const healingMs = 1_000
/** What is missing after so long without any progress is lost or stuck. Longer than the claim of a killed process lasts (20 s). */
const patienceMs = 60_000
const endMs = 30_000
const memoryBytes = 512 * 2 ** 20

/** What is done, and when: to the backend and to the processes. */
export function stepsOf(kinds: readonly FaultKind[], { seed, minutes }: Pick<RunOptions, 'seed' | 'minutes'>): readonly Step[] {
  return script({ seed, forMs: minutes * 60_000 * faultyPart, kinds, consumers, producers })
}

/** Sends and handles messages on a backend while the script of the seed breaks both, and judges what the histories say. */
export async function run(backend: Backend, options: RunOptions): Promise<RunReport> {
  const folder = await mkdtemp(join(tmpdir(), 'busbar-chaos-'))
  const began = performance.now()
  const current = new Run(backend, options, folder)
  const result = await current.complete()
  if (!options.keep && isClean(result)) await rm(folder, { recursive: true })
  return { ...result, seconds: (performance.now() - began) / 1_000, folder }
}

class Run {
  readonly #backend: Backend
  readonly #options: RunOptions
  readonly #books = new Books()
  readonly #fleet: Fleet
  readonly #history: HistoryWriter
  /** Messages that each producer was told to send. */
  readonly #due = new Map<string, number>()
  #over = false

  constructor(backend: Backend, options: RunOptions, folder: string) {
    this.#backend = backend
    this.#options = options
    const path = join(folder, 'script')
    this.#history = new HistoryWriter(path)
    this.#books.open('script', path)
    this.#fleet = new Fleet(folder, ({ name, history }) => this.#books.open(name, history))
  }

  async complete(): Promise<Pick<RunReport, 'verdict' | 'recoveries' | 'faults'>> {
    const { ordered, shared } = this.#backend
    const reading = this.#readOn()
    try {
      await this.#prepare()
      await this.#produceAndConsume()
      this.#history.write('end')
    } finally {
      await this.#fleet.endNow()
      this.#over = true
      await reading
    }
    await this.#books.read()
    await this.#books.close()
    for (const [event, times] of this.#books.notes) this.#options.say(`${event} was logged ${times} times`)
    const promised = { ordered, once: this.#options.redisUrl !== undefined, shared, memoryBytes }
    const { checker, recovery, faults } = this.#books
    return { verdict: checker.verdict(promised), recoveries: recovery.recoveries(), faults }
  }

  async #prepare(): Promise<void> {
    const { settings } = this.#backend
    Object.assign(process.env, settings.env)
    await using leases = leasesIn(this.#options.redisUrl)
    const setup = await connect(settings.configuration, {
      drivers: driversWith(leases),
      destinations: workloadOf(settings.kind).definitions,
      provision: 'create',
      log: () => undefined,
    })
    await setup.start()
    await setup.drain()
    await this.#backend.ready?.()
  }

  async #produceAndConsume(): Promise<void> {
    const { messages } = this.#options
    for (let index = 0; index < consumers; index++) this.#startConsumer(index)
    for (let index = 0; index < producers; index++) this.#startProducer(index, Math.ceil(messages / producers))
    await this.#until(() => this.#books.handled > 0)
    await this.#strike()
    const { checker } = this.#books
    for (const member of this.#producing()) tell(member, { order: 'end' })
    await this.#until(() => this.#producing().length === 0)
    await this.#until(() => checker.open === 0)
    for (const member of this.#fleet.running) tell(member, { order: 'end' })
    await this.#until(() => this.#fleet.running.length === 0, endMs)
  }

  #producing(): readonly Member[] {
    return this.#fleet.running.filter(({ role }) => role === 'producer')
  }

  get #lasts(): number {
    return this.#options.minutes * 60_000
  }

  /** Breaks things, one after the other. */
  async #strike(): Promise<void> {
    const { say } = this.#options
    const kinds = [...this.#backend.faults, ...processFaults(this.#fleet, (member, index, afterMs) => this.#follow(member, index, afterMs))]
    const began = performance.now()
    for (const { afterMs, fault, lastsMs, target } of stepsOf(kinds, this.#options)) {
      await pause(afterMs)
      if (performance.now() - began > this.#lasts * faultyPart) break
      say(`${((performance.now() - began) / 1_000).toFixed(1)} s: ${fault}${lastsMs > 0 ? `, ${(lastsMs / 1_000).toFixed(1)} s` : ''}`)
      this.#history.write('fault', fault)
      await kinds.find(({ name }) => name === fault)?.strike(lastsMs, target)
      this.#history.write('over', fault)
    }
    await pause(Math.max(healingMs, began + this.#lasts - performance.now()))
  }

  /** Another process takes the place of one that was killed. */
  async #follow({ name, role }: Member, index: number, afterMs: number): Promise<void> {
    this.#history.write('killed', name)
    await pause(afterMs)
    if (role === 'consumer') return this.#startConsumer(index)
    await this.#books.read()
    this.#startProducer(index, Math.max(0, (this.#due.get(name) ?? 0) - this.#books.given(name)))
  }

  #startProducer(index: number, messages: number): void {
    const { settings } = this.#backend
    const perSecond = (this.#options.messages / producers / this.#lasts) * 1_000
    const settingsOf = (name: string, history: string): ProducerSettings => {
      this.#due.set(name, messages)
      return { name, history, backend: settings, seed: this.#seedOf(name), redisUrl: this.#options.redisUrl, messages, perSecond, keys }
    }
    this.#fleet.start('producer', index, settingsOf, settings.env)
  }

  #startConsumer(index: number): void {
    const { settings } = this.#backend
    const { redisUrl } = this.#options
    const settingsOf = (name: string, history: string): ConsumerSettings => ({ name, history, backend: settings, seed: this.#seedOf(name), redisUrl })
    this.#fleet.start('consumer', index, settingsOf, settings.env)
  }

  #seedOf(name: string): number {
    return hash(`${this.#options.seed} ${name}`)
  }

  async #readOn(): Promise<void> {
    while (!this.#over) {
      await this.#books.read()
      await pause(100)
    }
  }

  /** Waits for as long as messages are confirmed or handled, and `forMs` more: what is missing then the checker finds. */
  async #until(condition: () => boolean, forMs: number = patienceMs): Promise<void> {
    const progress = (): number => this.#books.checker.confirmed + this.#books.handled
    let [last, since] = [progress(), performance.now()]
    while (!condition() && performance.now() - since < forMs) {
      await pause(50)
      if (progress() !== last) [last, since] = [progress(), performance.now()]
    }
  }
}
