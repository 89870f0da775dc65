import { isBrokerError, type Producer } from '@busbar/core'
import { sendChain } from './chains.ts'
import type { Sent } from './history.ts'
import { fillerOf, type Job } from './jobs.ts'
import type { Process } from './process.ts'
import type { World } from './world.ts'

const sendTimeoutMs = 120_000

/** Sends jobs. When its process crashes, the next one sends again, in order, what has not been answered. */
export class Sender {
  readonly #world: World
  readonly #jobs: Map<string, Job> = new Map()
  #process: Process | undefined
  #producer: Producer<Job> | undefined
  #onAnswer: () => void = () => undefined

  constructor(world: World) {
    this.#world = world
  }

  /** The filler that a job was sent with. */
  fillerOf(id: string): string | undefined {
    return this.#jobs.get(id)?.filler
  }

  up(process: Process): void {
    const world = this.#world
    this.#process = process
    this.#producer = process.broker.producer(world.destination, { use: sendChain(world.plan, world.toolsOf(process)) })
    for (const sent of world.history.sent.values()) if (sent.outcome === 'pending') void this.#send(sent)
  }

  async sendAll(count: number, keys: number): Promise<void> {
    const { random, history, plan } = this.#world
    for (let number = 0; number < count; number++) {
      const job: Job = { id: `m${number}`, key: `k${Math.floor(random() * keys)}`, filler: fillerOf(random, plan.large) }
      const sent: Sent = { id: job.id, key: job.key, number, outcome: 'pending' }
      this.#jobs.set(job.id, job)
      history.sent.set(job.id, sent)
      void this.#send(sent)
      if (random() < 0.3) await this.#world.sleep(random() * 500)
    }
    while ([...history.sent.values()].some(({ outcome }) => outcome === 'pending')) await new Promise<void>((resolve) => (this.#onAnswer = resolve))
  }

  async #send(sent: Sent): Promise<void> {
    const [process, producer] = [this.#process, this.#producer]
    // The next process will.
    if (!process?.alive || producer === undefined) return
    const ended = await process.attempt(producer.send(this.#jobs.get(sent.id) as Job, { timeoutMs: sendTimeoutMs }))
    if (ended.how === 'crashed') return
    if (ended.how === 'done') sent.outcome = 'confirmed'
    else sent.outcome = isBrokerError(ended.error) && ended.error.code === 'ERR_UNCONFIRMED' ? 'unknown' : 'failed'
    this.#onAnswer()
  }
}
