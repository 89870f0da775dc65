import { isBrokerError, type BlockedKey } from '@busbar/core'
import type { Ended, Process } from './process.ts'
import { lateMs, type World } from './world.ts'

/** Redrives in one schedule, at most: a message that always fails comes back each time. */
const mostRedrives = 4

const longestAnswerMs = 60_000

/** What may come of an operator's call while brokers have faults and processes end. */
const expected: readonly string[] = ['ERR_UNSUPPORTED', 'ERR_CLOSED', 'ERR_THROTTLED', 'ERR_UNAVAILABLE', 'ERR_UNCONFIRMED', 'ERR_TIMEOUT', 'ERR_ORDER']

/** Looks after a program: redrives dead letters, and skips or retries messages that block their keys. */
export class Operator {
  readonly #world: World
  readonly #living: () => readonly Process[]
  #redrives: number
  #stopped = false

  constructor(world: World, living: () => readonly Process[]) {
    this.#world = world
    this.#living = living
    this.#redrives = world.plan.redrives ? mostRedrives : 0
  }

  /** Until it is stopped. */
  async work(): Promise<void> {
    const world = this.#world
    while (!this.#stopped) {
      await world.sleep(2_000 + world.random() * 20_000)
      if (world.plan.blocks) for (const process of this.#living()) await this.#unblock(process)
      const living = this.#living()
      const process = living[world.below(living.length)]
      if (process !== undefined && this.#redrives > 0 && world.random() < 0.5) await this.#redrive(process)
    }
  }

  noMoreRedrives(): void {
    this.#redrives = 0
  }

  stop(): void {
    this.#stopped = true
  }

  /** A process says that a message blocks its key: it must be listed at once. */
  async blocked({ id, key }: { readonly id: string; readonly key: string | undefined }, process: Process): Promise<void> {
    const { history, source, clock } = this.#world
    history.tried.blocked++
    const ended = await this.#asked('list', process, process.broker.blockedKeys(source).list())
    // A drain and a hand-over give it back, and a broker may take it away, at the very same instant.
    if (process.ending || process.handingOver > 0 || this.#world.lastLossMs === clock.monotonic()) return
    if (ended.how === 'done' && !ended.value.some((blocked) => blocked.messageId === id && blocked.key === key))
      history.problems.add(`blocked: ${id} was said to block key ${key}, and is not listed`)
  }

  /** Nothing blocks a key any more. */
  async allReleased(): Promise<void> {
    const { history, source } = this.#world
    for (const process of this.#living()) {
      const list = (): Promise<Ended<readonly BlockedKey[]>> => this.#asked('list', process, process.broker.blockedKeys(source).list())
      let ended = await list()
      // What was given up is listed until the broker has answered that.
      if (ended.how === 'done' && ended.value.length > 0) {
        await this.#world.sleep(longestAnswerMs)
        ended = await list()
      }
      if (ended.how === 'done') for (const { messageId, key } of ended.value) history.problems.add(`blocked: ${messageId} still blocks key ${key} at the end`)
    }
  }

  /** Everything that was given up and not redriven can be looked at. */
  async allDeadLettersSeen(): Promise<void> {
    const world = this.#world
    const process = this.#living()[0]
    if (process === undefined) return
    for (;;) {
      const faultsBefore = world.faultsAtDeadLetters
      const ended = await this.#asked('peek', process, process.broker.deadLetters(world.source).peek({ max: 1_000 }))
      if (ended.how !== 'done') return
      const seen = new Set(ended.value.map(({ id }) => id))
      const wrong = [...world.dead].filter(([id, count]) => count > 0 !== seen.has(id))
      // Where a look has to receive what it sees, it does not wait for what a fault delays; the next one does, and there are few faults.
      if (wrong.length > 0 && world.faultsAtDeadLetters > faultsBefore) {
        await world.sleep(lateMs)
        continue
      }
      for (const [id, count] of wrong)
        world.history.problems.add(`peek: ${id} is ${count} times at the dead-letter place, and it ${seen.has(id) ? 'shows it' : 'does not'}`)
      return
    }
  }

  async #unblock(process: Process): Promise<void> {
    const { random, source, history, parts } = this.#world
    const blockedKeys = process.broker.blockedKeys(source)
    const listed = await this.#asked('list', process, blockedKeys.list())
    if (listed.how !== 'done') return
    for (const { messageId, key } of listed.value) {
      const where = (other: { readonly messageId: string | undefined }): boolean => other.messageId === messageId
      if (random() < 0.5) {
        await this.#asked('retry', process, blockedKeys.retry({ where }))
        continue
      }
      const skipped = await this.#asked('skip', process, blockedKeys.skip({ where }))
      if (skipped.how !== 'done' || skipped.value === 0) continue
      history.tried.skipped++
      parts.onSkip?.(key)
    }
  }

  async #redrive(process: Process): Promise<void> {
    const { history, source, plan } = this.#world
    this.#redrives--
    const { ratePerSecond, some } = plan.redrives || { ratePerSecond: undefined, some: false }
    const half = this.#world.below(2)
    const options = {
      max: 1 + this.#world.below(10),
      ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
      ...(some ? { where: ({ id = '' }: { readonly id: string | undefined }) => Number(id.slice(1)) % 2 === half } : {}),
    }
    const ended = await this.#asked('redrive', process, process.broker.deadLetters(source).redrive(options))
    if (ended.how !== 'done') return
    history.tried.redriven += ended.value.moved
    if (ratePerSecond !== undefined) history.tried.redrivenAtRate += ended.value.moved
    if (some) history.tried.redrivenInPart += ended.value.moved
  }

  async #asked<T>(what: string, process: Process, answer: Promise<T>): Promise<Ended<T>> {
    const ended = await process.attempt(answer)
    if (ended.how === 'failed' && !(isBrokerError(ended.error) && expected.includes(ended.error.code)))
      this.#world.history.problems.add(`${what}: it failed with ${String(ended.error)}`)
    return ended
  }
}
