import type { HandlerContext, Message } from '@busbar/core'
import { processChain } from './chains.ts'
import type { Promised } from './check.ts'
import { never } from './guarded-driver.ts'
import type { History } from './history.ts'
import { holdingsOf } from './holdings.ts'
import type { Job } from './jobs.ts'
import { observer } from './observer.ts'
import { Operator } from './operator.ts'
import { nameOf, protects, type Plan, type Setting } from './plan.ts'
import type { Process } from './process.ts'
import { Sender } from './sender.ts'
import { Slot } from './slot.ts'
import { lateMs, World, type Parts } from './world.ts'

export interface Schedule {
  readonly history: History
  readonly promised: Promised
  /** One line per event at the broker, fault of a store and crash; the same for the same seed, byte for byte. */
  readonly trace: readonly string[]
  readonly setting: Setting
  readonly plan: Plan
  readonly name: string
}

/** Longest that a schedule may take in virtual time before what is missing counts as lost or stuck. */
const patienceMs = 6 * 3_600_000

/** Runs one whole program, processes that send and consume under random faults and crashes, decided by the seed alone. `parts` breaks it. */
export async function runSchedule(seed: number, parts: Parts = {}): Promise<Schedule> {
  const world = new World(seed, parts)
  const { setting, plan, history, trace } = world
  await new Program(world).run()
  const promised = {
    ordered: setting.ordered,
    once: protects(plan),
    individually: setting.profile !== 'kinesis' && setting.profile !== 'mqtt' && setting.kind !== 'stream',
  }
  return { history, promised, trace, setting, plan, name: nameOf(setting, plan) }
}

class Program {
  readonly #world: World
  readonly #sender: Sender
  readonly #operator: Operator
  readonly #slots: readonly Slot[]
  readonly #processes: Process[] = []
  readonly #failing: number
  readonly #poison: number

  constructor(world: World) {
    this.#world = world
    this.#failing = world.random() * 0.3
    this.#poison = world.random() * 0.05
    this.#sender = new Sender(world)
    this.#operator = new Operator(world, () => this.#slots.flatMap(({ living }) => living ?? []))
    const slot = (name: string, onUp: (process: Process) => void): Slot => new Slot({ world, start: () => this.#start(name), onUp })
    this.#slots = [
      slot('first', (process) => {
        if (world.setting.competing) void this.#consume(process)
        this.#sender.up(process)
      }),
      slot('second', (process) => void this.#consume(process)),
    ]
  }

  async run(): Promise<void> {
    const world = this.#world
    const sending = this.#sender.sendAll(world.plan.messages, 1 + world.below(6))
    const operating = world.plan.blocks || world.plan.redrives ? this.#operator.work() : Promise.resolve()
    await world.sleep(world.below(10_000))
    // A process leaves in the middle and another takes its place.
    await this.#unlessStuck((this.#slots[1] as Slot).process.drain({ timeoutMs: 1 + world.below(60_000) }))
    await this.#unlessStuck(sending)
    await this.#settled()
    this.#operator.noMoreRedrives()
    await world.sleep(lateMs)
    await this.#settled()
    await this.#operator.allReleased()
    await this.#unlessStuck(this.#operator.allDeadLettersSeen())
    this.#operator.stop()
    await this.#unlessStuck(operating)
    await this.#end()
  }

  /** Drains all processes. If one crashes in that, another takes its place, so that it can be seen what is left. */
  async #end(): Promise<void> {
    const { history, dead, driver, bodies } = this.#world
    for (;;) {
      let all = true
      const ends = Promise.all(this.#slots.map((slot) => slot.end())).then((ended) => void (all = ended.every(Boolean)))
      await this.#unlessStuck(ends)
      await this.#world.sleep(lateMs)
      if (all) break
      for (const slot of this.#slots) slot.beginAgain()
      await this.#settled()
    }
    history.leftovers = holdingsOf(driver)
    for (const [id, count] of dead) if (count > 0) history.deadLettered.add(id)
    bodies.inspect()
    for (const { unsettled } of this.#processes) history.unsettledPromises += unsettled
  }

  #start(name: string): Process {
    const process = this.#world.start(name, (event, by) => void this.#operator.blocked(event, by))
    this.#processes.push(process)
    return process
  }

  async #consume(process: Process): Promise<void> {
    const world = this.#world
    const { plan, parts, source, history } = world
    const tools = world.toolsOf(process)
    const chain = processChain(plan, tools)
    const consuming = process.broker.consume(source, (message, context) => this.#handle(message, context, process), {
      concurrency: 1 + world.below(8),
      use: [observer(process, world.bodies), ...(parts.chain?.(chain, { tools, process, world }) ?? chain)],
      onExhausted: plan.blocks ? 'block' : 'dead-letter',
    })
    const ended = await process.attempt(consuming)
    if (ended.how === 'failed' && !process.ending) history.problems.add(`consume: it failed with ${String(ended.error)}`)
  }

  #handle(message: Message<Job>, context: HandlerContext, process: Process): Promise<void> | undefined {
    const { random, history, plan } = this.#world
    const { id, filler } = message.body
    process.started(id, message.attempt)
    if (!process.alive) return never()
    if (filler !== this.#sender.fillerOf(id)) history.problems.add(`body: ${id} has arrived with another one`)
    if (random() >= 0.5) {
      this.#finish(id, process)
      return undefined
    }
    const heeds = random() < 0.5 || plan.timeoutMs !== false
    return process.sleep(random() * 2_000).then(() => {
      const { signal } = context
      // Whoever may have run out of time must not go on; others may be slow to notice that they have lost their lease.
      if (signal.aborted && heeds) throw signal.reason as Error
      this.#finish(id, process)
    })
  }

  /** Fails, or takes effect. */
  #finish(id: string, process: Process): void {
    const { random, history } = this.#world
    // Decided by the id, so that every attempt of a poison message fails.
    const poisoned = (Number(id.slice(1)) * 2_654_435_761) % 1_000 < this.#poison * 1_000
    if (poisoned || random() < this.#failing) throw new Error('the handler fails')
    process.effect(id)
    history.concluded.push(id)
  }

  /** Waits until every confirmed message is handled or dead-lettered, and the broker has nothing left: copies too are settled in the end. Gives up when patience ends. */
  async #settled(): Promise<void> {
    const { clock, history, dead, driver } = this.#world
    const deadline = clock.monotonic() + patienceMs
    const open = (): boolean => {
      const { ready, delayed, inFlight } = holdingsOf(driver)
      if (ready + delayed + inFlight > 0) return true
      return [...history.sent.values()].some(({ id, outcome }) => outcome === 'confirmed' && !history.effects.has(id) && (dead.get(id) ?? 0) <= 0)
    }
    while (open() && clock.monotonic() < deadline) await this.#world.sleep(1_000)
  }

  async #unlessStuck(work: Promise<unknown>): Promise<void> {
    const { clock, history } = this.#world
    const { promise: late, resolve } = Promise.withResolvers<'late'>()
    const timer = clock.timer(clock.monotonic() + patienceMs, () => resolve('late'))
    if ((await Promise.race([work, late])) === 'late') history.problems.add('stuck: the program waits for something that does not end')
    timer.cancel()
  }
}
