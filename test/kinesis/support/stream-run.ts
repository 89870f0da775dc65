import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '@busbar/core'
import type { Delivery, Driver, Endpoint, Intake, Link, Outgoing, Receiver } from '@busbar/core/driver'

export interface PlannedMessage {
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  /** Is it acked when it has come? Otherwise it is kept, and what is behind it is not below the checkpoint. */
  readonly acked: boolean
}

export interface Phase {
  readonly messages: readonly PlannedMessage[]
  /** What happens when what was to be acked is. `split` and `merge` with one of the open shards, by their order, or the neighbour behind it. */
  readonly event: 'hand-over' | 'split' | 'merge' | 'replay'
  readonly shard: number
}

/** Where a run takes place. */
export interface StreamBed {
  readonly driver: Driver
  split(shard: string, newStartingHashKey: bigint): Promise<void>
  merge(shard: string, neighbour: string): Promise<void>
}

/** By shards: what has come since the last look, in order, each with all its fields. */
export type Look = Readonly<Record<string, readonly string[]>>

interface OpenShard {
  readonly id: string
  readonly start: bigint
  readonly end: bigint
}

const never = new AbortController().signal
const settledMs = 30
const longestMs = 15_000

/**
 * Runs a plan by a driver, without core, and tells what came at every look. `expected`: of another bed; a look then waits until it is the same, or for long. In turns:
 * messages are sent, one after the other; what comes is acked as planned; shards are handed over, split, merged or replayed.
 */
export async function streamRun(
  bed: StreamBed,
  endpoint: Endpoint,
  shards: number,
  phases: readonly Phase[],
  expected?: readonly Look[],
): Promise<readonly Look[]> {
  const run = new StreamRun(bed, endpoint, shards, expected)
  try {
    await run.open(true)
    for (const phase of phases) await run.turn(phase)
    await run.close()
    return run.looks
  } finally {
    await run.end()
  }
}

class StreamRun implements Intake {
  readonly looks: Look[] = []
  readonly #bed: StreamBed
  readonly #endpoint: Endpoint
  readonly #expected: readonly Look[] | undefined
  readonly #acked = new Map<string, boolean>()
  readonly #links: Link[] = []
  #open: OpenShard[]
  #made: number
  #receiver: Receiver | undefined
  #arrived: Delivery[] = []
  /** Shards that were handed over. */
  readonly #revoked: Set<unknown> = new Set()
  #unsettled = new Set<Delivery>()
  #sent = 0

  constructor(bed: StreamBed, endpoint: Endpoint, shards: number, expected: readonly Look[] | undefined) {
    this.#bed = bed
    this.#endpoint = endpoint
    this.#expected = expected
    this.#made = shards
    const size = (1n << 128n) / BigInt(shards)
    this.#open = Array.from({ length: shards }, (_, index) => ({ id: idOf(index), start: size * BigInt(index), end: size * BigInt(index + 1) - 1n }))
  }

  async open(first: boolean): Promise<void> {
    const link = await this.#bed.driver.connect({ clock: systemClock, random: Math.random, log: () => undefined, meter: () => undefined }, never)
    this.#links.push(link)
    const { subscription: _, ...destination } = this.#endpoint
    const both = [destination, this.#endpoint]
    if (first) await link.topology?.apply(both, await link.topology.plan(both, never), never)
    if (link.receiver === false) throw new TypeError('streams can be received from')
    this.#receiver = link.receiver(this.#endpoint, this, { messages: 1_000, bytes: 10_000_000 })
    await this.#receiver.start()
  }

  async turn({ messages, event, shard }: Phase): Promise<void> {
    const link = this.#links.at(-1) as Link
    const sender = link.sender(this.#endpoint)
    for (const message of messages) {
      const outgoing = outgoingOf(message, this.#sent++)
      this.#acked.set(outgoing.id, message.acked)
      const [result] = await sender.send([outgoing], never)
      if (result?.ok !== true) throw new Error('a message was not stored', { cause: result })
    }
    await sender.close()
    await this.#look()
    const done = [...this.#unsettled].filter(({ incoming }) => this.#acked.get(incoming.id ?? '') === true)
    await this.#ack(done)
    // Children are read when their parents are done.
    await this.#look()
    await this.#happens(event, shard)
    await this.#look()
  }

  /** The rest is acked, until nothing comes any more. */
  async close(): Promise<void> {
    for (let round = 0; round < 6; round++) {
      await this.#ack([...this.#unsettled])
      await this.#look()
    }
    await this.#handBack()
  }

  async end(): Promise<void> {
    for (const link of this.#links) await link.close()
  }

  deliver(deliveries: readonly Delivery[]): void {
    this.#arrived.push(...deliveries)
    for (const delivery of deliveries) this.#unsettled.add(delivery)
  }

  /** What was not acked when a shard was handed over is told so, and nothing else is lost. */
  lost(scope: unknown): void {
    if (!this.#revoked.has(scope)) throw new Error('nobody takes a shard away here')
  }

  async revoke(scope: unknown): Promise<void> {
    this.#revoked.add(scope)
    for (const delivery of this.#unsettled) if (delivery.scope === scope) this.#unsettled.delete(delivery)
  }

  failed(): void {}

  recovered(): void {}

  async #ack(deliveries: readonly Delivery[]): Promise<void> {
    for (const delivery of deliveries) this.#unsettled.delete(delivery)
    await this.#receiver?.settle(deliveries.map((delivery) => ({ delivery, action: 'ack' })))
  }

  async #happens(what: Phase['event'], at: number): Promise<void> {
    const index = at % this.#open.length
    const shard = this.#open[index] as OpenShard
    const neighbour = this.#open[index + 1]
    if (what === 'hand-over') {
      await this.#handBack()
      await this.open(false)
    } else if (what === 'replay') await this.#receiver?.seek?.('earliest')
    else if (what === 'split') {
      const middle = (shard.start + shard.end) / 2n
      await this.#bed.split(shard.id, middle)
      this.#open.splice(index, 1, { id: idOf(this.#made++), start: shard.start, end: middle - 1n }, { id: idOf(this.#made++), start: middle, end: shard.end })
    } else if (neighbour !== undefined) {
      await this.#bed.merge(shard.id, neighbour.id)
      this.#open.splice(index, 2, { id: idOf(this.#made++), start: shard.start, end: neighbour.end })
    }
  }

  async #handBack(): Promise<void> {
    await this.#receiver?.pause()
    await this.#receiver?.handBack()
    this.#unsettled.clear()
  }

  async #look(): Promise<void> {
    const wanted = this.#expected?.[this.looks.length]
    if (wanted === undefined) await pause(settledMs)
    const until = Date.now() + longestMs
    while (this.#arrived.length < count(wanted) && Date.now() < until) await pause(settledMs)
    this.looks.push(Object.fromEntries([...Map.groupBy(this.#arrived, ({ scope }) => scope.partition ?? '')].map(([id, all]) => [id, all.map(textOf)])))
    this.#arrived = []
  }
}

function count(look: Look = {}): number {
  return Object.values(look).reduce((sum, texts) => sum + texts.length, 0)
}

function idOf(index: number): string {
  return `shardId-${String(index).padStart(12, '0')}`
}

function textOf({ incoming }: Delivery): string {
  const { id, key, type, contentType, headers, body, timestamp } = incoming
  const sorted = Object.entries(headers).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return [id, key, type, contentType, JSON.stringify(sorted), Buffer.from(body).toString(), timestamp].join(' ')
}

function outgoingOf({ key, headers }: PlannedMessage, index: number): Outgoing {
  const body = `body ${index}`
  return {
    id: `m-${index}`,
    body,
    bodyBytes: body.length,
    headers,
    type: index % 2 === 0 ? 'even' : undefined,
    contentType: 'text/plain',
    timestamp: 1_767_225_600_000 + index,
    key,
    attempt: 0,
    deduplicationId: undefined,
    delayMs: undefined,
    timeToLiveMs: undefined,
    priority: undefined,
    correlationId: undefined,
    replyTo: undefined,
  }
}
