import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PutRecordsResultEntry } from '@aws-sdk/client-kinesis'
import type { BrokerError, Services, Timer } from '@busbar/core/driver'
import { isNotDone, type Api } from '../api.ts'
import { isThrottle, kinesisError, recordError, toBrokerError } from '../errors.ts'
import { addressOf, type StreamName } from '../names.ts'
import { hashKeyOf } from '../shards/hash-key.ts'
import { covers, type Shard } from '../shards/shard-map.ts'
import type { StreamShape } from '../shards/stream-shape.ts'
import type { Batch } from './batch.ts'
import { Lane, type Item } from './lane.ts'
import { PutRequest, type Part } from './put-request.ts'
import { failThose, settleFailed, settleStored } from './settling.ts'
import { ShardGate } from './shard-gate.ts'

export interface DispatcherParts {
  readonly stream: StreamName
  readonly api: Api
  readonly services: Services
  readonly maxRequestBytes: number
  readonly aggregateBytes: number | undefined
  readonly shardShare: number
  /** The stream as it is now. Throws `BrokerError`. */
  load(): Promise<StreamShape>
}

/** More would keep requests half empty: while these are out, what comes is gathered. */
const requestsOut = 4

/** What is known of the shards is not asked for again before, unless messages depend on it: a stream that changes may be told of late. */
const reloadMs = 1_000

/** How long a message waits for its shard before core hears of it, which then decides by the message's deadline. */
const longestWaitMs = 5_000

/** For so long after anything has waited for a shard, messages without a key go to their shards too. */
const boundMs = 10_000

/** Hands messages to the shards of one stream: those with keys in order within a shard, at the shard's pace, in full requests. What a shard refuses waits for that shard alone. */
export class Dispatcher {
  readonly #parts: DispatcherParts
  readonly #doing: string
  /** In order, not yet given to a lane. */
  #waiting: Item[] = []
  #shape: StreamShape | undefined
  #loadedAt = 0
  #loading = false
  /** A record went to another shard than its key said: the stream has been resharded. */
  #stale = false
  /** By the ids of shards. */
  #lanes = new Map<string, Lane>()
  /** For messages without a key, while nothing waits for a shard: the service spreads them evenly. */
  #anyShard: Lane | undefined
  /** Monotonic milliseconds: until then messages without a key wait for the shards of their partition keys. */
  #boundUntil = 0
  /** Those of the lanes in which something waits; the next to be served first. */
  readonly #active: Set<Lane> = new Set()
  /** Aggregated records that went to another shard, until it is known whether all of their messages belong there. */
  #strays: { readonly part: Part; readonly answer: PutRecordsResultEntry }[] = []
  #out = 0
  #scheduled = false
  #timer: Timer | undefined
  #watched: AbortSignal | undefined

  constructor(parts: DispatcherParts) {
    this.#parts = parts
    this.#doing = `Sending to ${addressOf(parts.stream)}`
  }

  add(items: readonly Item[]): void {
    for (const item of items) this.#waiting.push(item)
    this.#watch(items[0]?.signal)
    this.#schedule()
  }

  /** What is handed over in the same turn goes together. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#pump()
    })
  }

  #pump(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#shape === undefined || this.#stale) {
      // While requests are out their records belong to lanes of the old map.
      if (this.#out === 0 && !this.#loading && this.#hasWork()) void this.#load()
      return
    }
    const { services, maxRequestBytes, aggregateBytes } = this.#parts
    const largest = aggregateBytes === undefined ? undefined : Math.min(aggregateBytes, this.#shape.maxRecordBytes)
    const now = services.clock.monotonic()
    this.#bind(now)
    this.#route(now < this.#boundUntil)
    this.#giveUpLate(now)
    while (this.#out < requestsOut) {
      const request = new PutRequest(maxRequestBytes, largest)
      for (const lane of this.#active) if (!lane.busy) request.takeFrom(lane, now)
      if (request.parts.length === 0) break
      this.#rotate(request.parts)
      void this.#put(request.parts)
    }
    this.#arm(now)
  }

  #hasWork(): boolean {
    return this.#waiting.length > 0 || this.#strays.length > 0 || this.#active.size > 0
  }

  /** Lanes that were served go behind the others. */
  #rotate(parts: readonly Part[]): void {
    for (const lane of lanesOf(parts)) {
      this.#active.delete(lane)
      if (lane.queue.length > 0) this.#active.add(lane)
    }
  }

  /** While anything waits for a shard, all does: beside the lanes of shards, one for any shard would use each shard twice, and pass what waits for it. */
  #bind(now: number): void {
    if (this.#shape?.shards === undefined) return
    if (!this.#waiting.some(hasShard) && ![...this.#active].some(({ ordered }) => ordered)) return
    this.#boundUntil = now + boundMs
    const any = this.#anyShard
    if (any === undefined || any.queue.length === 0) return
    this.#waiting = [...any.queue, ...this.#waiting]
    any.queue = []
    this.#active.delete(any)
  }

  #route(bound: boolean): void {
    for (const item of this.#waiting) {
      const lane = bound || hasShard(item) ? this.#laneOf(item) : this.#laneOfAny()
      lane.queue.push(item)
      this.#active.add(lane)
    }
    this.#waiting = []
  }

  #laneOfAny(): Lane {
    return (this.#anyShard ??= this.#newLane(undefined, false, this.#shape?.shards?.evenShards ?? Infinity))
  }

  #laneOf({ record: { hashKey, partitionKey } }: Item): Lane {
    const shard = this.#shape?.shards?.find(hashKey ?? hashKeyOf(partitionKey))
    const id = shard?.id ?? ''
    let lane = this.#lanes.get(id)
    // What is not known to be one shard has no limits of one.
    if (lane === undefined) this.#lanes.set(id, (lane = this.#newLane(shard, true, shard === undefined ? Infinity : 1)))
    return lane
  }

  /** At the pace of so many shards. */
  #newLane(shard: Shard | undefined, ordered: boolean, shards: number): Lane {
    const { services, shardShare } = this.#parts
    return new Lane(shard, ordered, new ShardGate(shardShare * shards, services.clock.monotonic(), services.random))
  }

  async #load(): Promise<void> {
    this.#loading = true
    let failure: BrokerError | undefined
    try {
      this.#shape = await this.#parts.load()
    } catch (error) {
      failure = toBrokerError(error, this.#doing)
      // Otherwise what was known before still serves.
      if (!failure.retryable) this.#shape = undefined
    }
    this.#loading = false
    this.#loadedAt = this.#parts.services.clock.monotonic()
    if (this.#stale) this.#reroute()
    this.#stale = false
    if (failure !== undefined && this.#shape === undefined) this.#failAll(failure)
    this.#schedule()
  }

  /** Everything goes to its lane anew, in the order in which it was in the old ones; keys stay in order, since all of a key was in one lane. */
  #reroute(): void {
    const strays = this.#strays.flatMap(({ part, answer }) => this.#judge(part, answer))
    tellOf(this.#strays.map(({ part }) => part))
    const queued = [...this.#active].flatMap(({ queue }) => queue)
    this.#strays = []
    this.#lanes = new Map()
    this.#anyShard = undefined
    this.#active.clear()
    this.#waiting = this.#wanted([...strays, ...queued, ...this.#waiting]).toSorted(bySince)
  }

  /** Readers drop an aggregated record of which a part lies in another shard: then its messages go again, each as a record of its own. */
  #judge(part: Part, answer: PutRecordsResultEntry): readonly Item[] {
    const shard = this.#shape?.shards?.get(answer.ShardId ?? '')
    if (shard !== undefined && part.items.every(({ record: { hashKey } }) => hashKey !== undefined && covers(shard, hashKey))) {
      settleStored(part, answer)
      return []
    }
    for (const item of part.items) item.alone = true
    return part.items
  }

  async #put(parts: readonly Part[]): Promise<void> {
    const { api, stream, services } = this.#parts
    this.#out++
    try {
      const { Records = [] } = await api.putRecords(
        stream,
        parts.map(({ entry }) => entry),
        { doing: this.#doing },
      )
      this.#answered(parts, Records)
    } catch (error) {
      this.#refused(parts, error)
    }
    this.#out--
    for (const lane of lanesOf(parts)) lane.busy = false
    const others = this.#out
    this.#pump()
    // What the program does about thousands of results is done while the service has the next request, and not before it is written.
    if (this.#out > others) await services.clock.external(nextTurn())
    tellOf(parts)
  }

  #answered(parts: readonly Part[], answers: readonly PutRecordsResultEntry[]): void {
    const again = new Map<Lane, Item[]>()
    for (const [index, part] of parts.entries()) {
      const answer = answers[index]
      const { lane, items } = part
      if (answer?.SequenceNumber !== undefined) {
        lane.gate.succeeded()
        this.#stored(part, answer)
      } else if (answer?.ErrorCode !== undefined && isThrottle(answer.ErrorCode)) {
        const before = again.get(lane)
        if (before === undefined) again.set(lane, [...items])
        else before.push(...items)
      } else this.#failed(items, answer)
    }
    for (const [lane, items] of again) {
      if (lane.ordered || this.#shape?.shards === undefined) this.#putBack(lane, items)
      else this.#sendHome(items)
    }
  }

  /** Each waits for the shard that has refused it. */
  #sendHome(items: readonly Item[]): void {
    const homes = Map.groupBy(items, (item) => this.#laneOf(item))
    for (const [lane, ofLane] of homes) this.#putBack(lane, ofLane)
  }

  #stored(part: Part, answer: PutRecordsResultEntry): void {
    if (this.#wasExpected(part, answer)) return settleStored(part, answer)
    if (part.aggregated) this.#strays.push({ part, answer })
    else settleStored(part, answer)
    if (part.aggregated || this.#parts.services.clock.monotonic() >= this.#loadedAt + reloadMs) this.#stale = true
  }

  /** False: the stream has been resharded. */
  #wasExpected({ lane }: Part, { ShardId = '' }: PutRecordsResultEntry): boolean {
    const shards = this.#shape?.shards
    if (shards === undefined) return true
    return lane.ordered ? lane.shard?.id === ShardId : shards.get(ShardId) !== undefined
  }

  #failed(items: readonly Item[], answer: PutRecordsResultEntry | undefined): void {
    if (answer?.ErrorCode === undefined)
      return settleFailed(items, kinesisError('ERR_UNCONFIRMED', `${this.#doing}: the answer does not tell what became of the message`), 'unknown')
    const error = recordError(answer.ErrorCode, answer.ErrorMessage, this.#doing)
    // An internal failure may have come after the record was stored.
    settleFailed(items, error, error.code === 'ERR_UNAVAILABLE' ? 'unknown' : 'no')
  }

  /** The request as a whole. */
  #refused(parts: readonly Part[], error: unknown): void {
    const failure = toBrokerError(error, this.#doing)
    if (failure.code !== 'ERR_THROTTLED') {
      for (const { items } of parts) settleFailed(items, failure, isNotDone(error) ? 'no' : 'unknown')
      return
    }
    const lanes = Map.groupBy(parts, ({ lane }) => lane)
    for (const [lane, ofLane] of lanes)
      this.#putBack(
        lane,
        ofLane.flatMap(({ items }) => items),
      )
  }

  #putBack(lane: Lane, items: Item[]): void {
    const { services, stream } = this.#parts
    lane.gate.throttled(services.clock.monotonic())
    lane.queue = [...this.#wanted(items), ...lane.queue].toSorted(bySince)
    if (lane.queue.length > 0) this.#active.add(lane)
    services.log('debug', 'shard:throttled', { stream: stream.name, shard: lane.shard?.id, messages: items.length })
  }

  #giveUpLate(now: number): void {
    const isLate = ({ since }: Item): boolean => since + longestWaitMs <= now
    for (const lane of this.#active) {
      const [first] = lane.queue
      if (lane.gate.opensAt(now) <= now || first === undefined || !isLate(first)) continue
      const failure = kinesisError('ERR_THROTTLED', `${this.#doing}: the shard takes no more at present; use more shards, or spread the keys`)
      this.#giveUp(lane, failure, isLate)
    }
  }

  #giveUp(lane: Lane, failure: BrokerError, concerns: (item: Item) => boolean): void {
    lane.queue = failThose(lane.queue, failure, concerns)
    if (lane.queue.length === 0) this.#active.delete(lane)
  }

  /** Wakes when the first closed gate opens, or the first message has waited for too long. */
  #arm(now: number): void {
    const { clock } = this.#parts.services
    let next = Infinity
    for (const { gate, queue, busy } of this.#active) {
      const [first] = queue
      if (first !== undefined && !busy && gate.opensAt(now) > now) next = Math.min(next, gate.opensAt(now), first.since + longestWaitMs)
    }
    if (next !== Infinity) this.#timer = clock.timer(next, () => this.#pump())
  }

  #watch(signal: AbortSignal | undefined): void {
    if (signal === undefined || signal === this.#watched) return
    this.#watched = signal
    signal.addEventListener('abort', () => this.#failAll(this.#unwanted(), isAborted), { once: true })
  }

  /** Of messages that come back, those that somebody waits for. */
  #wanted(items: Item[]): Item[] {
    return items.some(isAborted) ? failThose(items, this.#unwanted(), isAborted) : items
  }

  #unwanted(): BrokerError {
    return kinesisError('ERR_TIMEOUT', `${this.#doing}: there was no time left to send the message`)
  }

  /** Everything that is not handed over. */
  #failAll(failure: BrokerError, concerns: (item: Item) => boolean = () => true): void {
    this.#waiting = failThose(this.#waiting, failure, concerns)
    for (const lane of this.#active) this.#giveUp(lane, failure, concerns)
  }
}

function isAborted({ signal }: Item): boolean {
  return signal.aborted
}

function hasShard({ record }: Item): boolean {
  return record.hashKey !== undefined
}

/** The first of a lane is the first that has waited for too long. */
function bySince(a: Item, b: Item): number {
  return a.since - b.since
}

/** Tells the callers of these parts what was kept for them. */
function tellOf(parts: readonly Part[]): void {
  for (const batch of batchesOf(parts)) batch.tell()
}

/** Each once. */
function batchesOf(parts: readonly Part[]): ReadonlySet<Batch> {
  const batches = new Set<Batch>()
  let last: Batch | undefined
  for (const { items } of parts)
    for (const { batch } of items) {
      if (batch !== last) batches.add(batch)
      last = batch
    }
  return batches
}

/** Each once. Those of one lane are next to each other. */
function lanesOf(parts: readonly Part[]): readonly Lane[] {
  return parts.filter(({ lane }, index) => lane !== parts[index - 1]?.lane).map(({ lane }) => lane)
}
