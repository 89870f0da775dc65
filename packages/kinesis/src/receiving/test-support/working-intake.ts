import type { BrokerError, Delivery, Intake, Scope } from '@busbar/core/driver'
import type { VirtualTime } from '../../group/test-support/virtual-time.ts'
import type { KinesisReceiver } from '../receiver.ts'
import { textOf } from './recording-intake.ts'

interface Lane {
  readonly waiting: Delivery[]
  stopped: boolean
  current: Delivery | undefined
  working: Promise<void> | undefined
}

export interface WorkingIntakeOptions {
  readonly time: VirtualTime
  readonly random: () => number
  /** A message has been handled. */
  readonly onHandled: (text: string) => void
}

/** Core's side of a receiver that handles what comes: each shard in order, all shards at once, each message for up to 100 ms. */
export class WorkingIntake implements Intake {
  receiver: KinesisReceiver | undefined
  /** The process is gone: nothing goes on. */
  dead = false
  most = { messages: 0, bytes: 0 }
  readonly failures: BrokerError[] = []
  readonly #options: WorkingIntakeOptions
  readonly #lanes = new Map<Scope, Lane>()
  #unsettled = { messages: 0, bytes: 0 }

  constructor(options: WorkingIntakeOptions) {
    this.#options = options
  }

  deliver(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      const lane = this.#lanes.get(delivery.scope) ?? { waiting: [], stopped: false, current: undefined, working: undefined }
      this.#lanes.set(delivery.scope, lane)
      lane.waiting.push(delivery)
      this.#count(1, delivery)
      lane.working ??= this.#work(lane).finally(() => {
        lane.working = undefined
      })
    }
    this.most = { messages: Math.max(this.most.messages, this.#unsettled.messages), bytes: Math.max(this.most.bytes, this.#unsettled.bytes) }
  }

  lost(scope: Scope): void {
    const lane = this.#lanes.get(scope)
    if (lane?.current !== undefined) this.#count(-1, lane.current)
    if (lane !== undefined) lane.current = undefined
    void this.#stop(scope)
  }

  async revoke(scope: Scope): Promise<void> {
    await this.#stop(scope)
  }

  /** As core does before it hands back. */
  async end(): Promise<void> {
    await Promise.all([...this.#lanes.keys()].map((scope) => this.#stop(scope)))
  }

  failed(error: BrokerError): void {
    this.failures.push(error)
  }

  recovered(): void {}

  #stop(scope: Scope): Promise<void> {
    const lane = this.#lanes.get(scope)
    this.#lanes.delete(scope)
    if (lane === undefined) return Promise.resolve()
    lane.stopped = true
    for (const delivery of lane.waiting.splice(0)) this.#count(-1, delivery)
    return lane.working ?? Promise.resolve()
  }

  async #work(lane: Lane): Promise<void> {
    for (let next = lane.waiting.shift(); next !== undefined; next = lane.waiting.shift()) {
      lane.current = next
      await this.#options.time.sleep(100 * this.#options.random())
      if (this.dead) return
      if (lane.current === next) this.#count(-1, next)
      lane.current = undefined
      // What was lost meanwhile counts too: its effect was had.
      this.#options.onHandled(textOf(next))
      await this.receiver?.settle([{ delivery: next, action: 'ack' }])
      if (lane.stopped) return
    }
  }

  #count(messages: 1 | -1, { incoming }: Delivery): void {
    this.#unsettled = { messages: this.#unsettled.messages + messages, bytes: this.#unsettled.bytes + messages * incoming.bodyBytes }
  }
}
