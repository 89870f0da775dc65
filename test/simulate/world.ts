import { createBroker } from '@busbar/core'
import type { FencedStore, Incoming } from '@busbar/core/driver'
import { memory, memoryStore, seededRandom, virtualClock, type MemoryDriver, type VirtualClock } from '@busbar/memory'
import { localKeys, type KeyProvider } from '@busbar/middleware'
import { Bodies } from './bodies.ts'
import type { ProcessChain, Tools } from './chains.ts'
import { Crashes, likelySteps, type LikelyStep } from './crashes.ts'
import { Externals } from './externals.ts'
import { count, emptyHistory, type History } from './history.ts'
import { define, type Destination, type Source } from './jobs.ts'
import { planOf, protects, settingOf, type Plan, type Setting } from './plan.ts'
import { Process, type Surroundings, type Wrap } from './process.ts'
import { bodyStoreOf, keysOf, StoreFaults, storeOf, triedBy } from './stores.ts'

/** Parts of the program that can be replaced by broken ones, which must be found out. */
export interface Parts {
  readonly driver?: Wrap
  readonly store?: (store: FencedStore) => FencedStore
  readonly chain?: (chain: ProcessChain, place: { readonly tools: Tools; readonly process: Process; readonly world: World }) => ProcessChain
  /** Called when an operator has skipped a message. */
  readonly onSkip?: (key: string | undefined) => void
  /** What the seed decides otherwise. */
  readonly plan?: Partial<Plan>
}

/** Leases of a receiver that hands nothing back end within this. */
export const lateMs = 60_000
/** All middleware are on, but in one schedule of so many: what each of them sees of a message depends on the others. */
const partEvery = 11

/** Everything that the processes of one schedule share, decided by the seed. */
export class World {
  readonly setting: Setting
  readonly plan: Plan
  readonly random: () => number
  readonly clock: VirtualClock = virtualClock()
  readonly history: History = emptyHistory()
  readonly trace: string[] = []
  readonly driver: MemoryDriver
  readonly deadLetters: MemoryDriver
  readonly bodies: Bodies
  readonly destination: Destination
  readonly source: Source
  readonly parts: Parts
  /** How many dead letters there are of each id. */
  readonly dead: Map<string, number> = new Map()
  /** Faults so far at the place for dead letters. */
  faultsAtDeadLetters = 0
  /** When the broker last took something away from a receiver, or got it back. */
  lastLossMs = -1
  readonly #seed: number
  readonly #store: FencedStore
  readonly #storeFaults: StoreFaults
  readonly #keys: KeyProvider
  readonly #around: Surroundings
  /** Ids that the store of claims has as handled. */
  readonly #completed: Set<string> = new Set()
  #processes = 0

  constructor(seed: number, parts: Parts) {
    this.#seed = seed
    this.parts = parts
    const random = (this.random = seededRandom(seed))
    this.setting = settingOf(random)
    const likely = likelySteps[this.below(likelySteps.length)] as LikelyStep
    const plan = (this.plan = { ...planOf(random, this.setting, likely.needs, seed % partEvery !== 0), ...parts.plan })
    const { profile, kind } = this.setting
    const { clock, history } = this
    const faults = { probability: random() * 0.2, budget: 20 + this.below(30), maxMs: 20_000 }
    const trace = (line: string): void => void this.trace.push(line)
    this.driver = memory({ profile, clock, seed, faults: { random: faults }, trace })
    // Where little is disturbed.
    this.deadLetters = memory({ profile: plan.deadPlace, clock, seed, faults: { random: { probability: 0.05, budget: this.below(4), maxMs: 5_000 } } })
    const { destination, source } = define(kind)
    this.destination = destination
    this.source = source
    this.#store = parts.store?.(memoryStore({ clock })) ?? memoryStore({ clock })
    this.#storeFaults = new StoreFaults({
      random: seededRandom(seed + 0x1000_0000),
      probability: random() * 0.05,
      budget: this.below(12),
      answersAtOnce: plan.storesAnswerAtOnce,
      sleep: (ms) => this.sleep(ms),
      onFault: (what, fault) => {
        history.tried[triedBy[fault]]++
        trace(`${clock.monotonic()} store ${what} ${fault}`)
      },
    })
    const durable = kind === 'queue' && (profile === 'full' || profile.startsWith('sqs'))
    const deletes = plan.claims !== false && (kind === 'queue' || plan.claims.deleteAfterAck === true)
    this.bodies = new Bodies({ history, deletes, durable })
    this.#keys = keysOf(localKeys({ current: 'k1', keys: { k1: Buffer.alloc(32, 1) } }), seededRandom(seed + 0x2000_0000))
    const crashes = new Crashes({
      random: seededRandom(seed + 0x3000_0000),
      budget: this.below(5),
      probability: 0.003,
      likely,
    })
    const externals = new Externals(clock)
    const { driver, deadLetters } = this
    this.#around = { clock, externals, driver, deadLetters, history, crashes, trace, wrap: parts.driver, watch: (process) => this.bodies.watch(process) }
    this.#observe()
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit)
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.timer(this.clock.monotonic() + ms, resolve))
  }

  /** Another process of the program, not connected yet. */
  start(name: string, onBlocked: (event: { readonly id: string; readonly key: string | undefined }, process: Process) => void): Process {
    const number = ++this.#processes
    const { setting, plan, destination, source } = this
    const skewMs = (this.random() * 2 - 1) * plan.skewMs
    return new Process({ name: `${name}-${number}`, skewMs }, this.#around, ({ driver, deadLetters }, process) =>
      createBroker({
        driver,
        destinations: [destination, source],
        routes: {
          jobs: {
            deadLetter: { driver: deadLetters },
            ...(setting.ordered ? {} : { ordering: 'best-effort' }),
            ...(plan.blocks ? { nativeLimit: false } : {}),
          },
        },
        provision: 'create',
        clock: process.clock,
        random: seededRandom(this.#seed * 31 + number),
        log: () => undefined,
        telemetry: { blocked: (event) => onBlocked(event, process) },
      }),
    )
  }

  /** What the middleware of a process works with. */
  toolsOf(process: Process): Tools {
    return {
      store: storeOf(process, this.#store, this.#storeFaults, (id) => this.#completed.add(id)),
      bodies: bodyStoreOf(process, this.bodies, this.#storeFaults),
      keys: this.#keys,
    }
  }

  /** What the brokers stored of each message, and how often they let one go for good. */
  #observe(): void {
    const { history, bodies, dead, plan } = this
    this.deadLetters.observe(({ kind, message }) => {
      if (kind === 'fault') this.faultsAtDeadLetters++
      const id = message?.id
      if (id === undefined) return
      if (kind === 'stored') {
        history.concluded.push(id)
        count(dead, id)
        bodies.stored(message as Incoming)
      }
      if (kind === 'acked') dead.set(id, (dead.get(id) ?? 0) - 1)
    })
    this.driver.observe(({ kind, message, at }) => {
      if (kind === 'lost' || kind === 'released' || kind === 'expired') this.lastLossMs = at
      const id = message?.id
      if (kind === 'lost' || kind === 'expired') bodies.takenAway(id)
      if (id === undefined) return
      if (kind === 'stored') {
        count(history.copies, id)
        bodies.stored(message as Incoming)
      }
      if (kind !== 'acked') return
      count(history.acks, id)
      if (protects(plan) && !this.#completed.has(id) && !dead.has(id))
        history.problems.add(`settled: ${id} was acked before the store of claims had it as handled, and was not dead-lettered`)
    })
  }
}
