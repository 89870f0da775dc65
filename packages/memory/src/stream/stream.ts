import type { EndpointSubscription, Outgoing, SendResult, StartFrom } from '@busbar/core/driver'
import { memoryError } from '../errors.ts'
import { incomingOf } from '../queue/stored.ts'
import type { World } from '../world.ts'
import type { StreamBehaviour } from './behaviour.ts'
import { Group } from './group.ts'
import { hashKey, hashKeys, partitionKey } from './hash-key.ts'
import { Shard } from './shard.ts'
import { TokenBucket } from './token-bucket.ts'

export interface StreamOptions {
  readonly shards: number
  readonly retentionMs: number
  /** Enforce the write rates of the profile. */
  readonly throttle: boolean
}

/** A retained log in shards. Every record has a place in one shard, chosen by the hash of its key. */
export class Stream {
  readonly name: string
  readonly world: World
  readonly behaviour: StreamBehaviour
  readonly retentionMs: number
  readonly groups: Map<string, Group> = new Map<string, Group>()
  /** All that were ever made, parents before children. */
  readonly shards: Shard[] = []
  readonly #sizeOf: (message: Outgoing) => number
  readonly #throttle: boolean
  #sequence: bigint

  constructor(name: string, world: World, behaviour: StreamBehaviour, options: StreamOptions, sizeOf: (message: Outgoing) => number) {
    this.name = name
    this.world = world
    this.behaviour = behaviour
    this.retentionMs = options.retentionMs
    this.#sizeOf = sizeOf
    this.#throttle = options.throttle
    this.#sequence = behaviour.firstSequence
    const count = BigInt(options.shards)
    for (let index = 0n; index < count; index++) this.#add([(hashKeys * index) / count, (hashKeys * (index + 1n)) / count - 1n], [])
  }

  get open(): readonly Shard[] {
    return this.shards.filter((shard) => !shard.closed)
  }

  append(batch: readonly Outgoing[]): SendResult[] {
    const { clock } = this.world
    const now = clock.monotonic()
    const arrivedAt = clock.now()
    this.trim()
    const results = batch.map((outgoing) => this.#append(outgoing, now, arrivedAt))
    for (const group of this.groups.values()) group.wake()
    return results
  }

  /** The group of a subscription; made at its start position if it is new. */
  group(subscription: EndpointSubscription): Group {
    let group = this.groups.get(subscription.name)
    if (group === undefined) this.groups.set(subscription.name, (group = new Group(this, subscription)))
    return group
  }

  /** Splits an open shard in two, at `newStartingHashKey` or in the middle. */
  split(shardId: string, newStartingHashKey?: bigint): readonly [Shard, Shard] {
    const parent = this.#openShard(shardId)
    const { startingHashKey: start, endingHashKey: end } = parent
    const at = newStartingHashKey ?? (start + end) / 2n + 1n
    if (at <= start || at > end) throw memoryError('ERR_INVALID', `${shardId} of ${this.name} covers ${start} to ${end} and cannot be split at ${at}`)
    const children = [this.#add([start, at - 1n], [parent]), this.#add([at, end], [parent])] as const
    this.#reshard([parent])
    return children
  }

  /** Joins two open shards whose ranges are neighbours. */
  merge(shardId: string, adjacentShardId: string): Shard {
    const pair = [this.#openShard(shardId), this.#openShard(adjacentShardId)] as const
    const [low, high] = pair[0].startingHashKey < pair[1].startingHashKey ? pair : [pair[1], pair[0]]
    if (low.endingHashKey + 1n !== high.startingHashKey)
      throw memoryError('ERR_INVALID', `${shardId} and ${adjacentShardId} of ${this.name} are not neighbours`)
    const child = this.#add([low.startingHashKey, high.endingHashKey], pair)
    this.#reshard(pair)
    return child
  }

  /** Forgets what is older than the retention. */
  trim(): void {
    const horizon = this.world.clock.now() - this.retentionMs
    for (const shard of this.shards) shard.trim(horizon)
  }

  /** Offset in `shard` that `position` stands for. */
  offset(shard: Shard, position: StartFrom): number {
    if (position === 'earliest') return shard.first
    if (position === 'latest') return shard.end
    if ('timestamp' in position) return shard.offsetAt(position.timestamp)
    if (!/^\d{1,60}$/.test(position.position)) throw memoryError('ERR_INVALID', `${position.position.slice(0, 64)} is not a position in ${this.name}`)
    return shard.offsetOf(BigInt(position.position))
  }

  #append(outgoing: Outgoing, now: number, arrivedAt: number): SendResult {
    const hash = hashKey(partitionKey(outgoing))
    const shard = this.shards.find((candidate) => !candidate.closed && candidate.covers(hash)) as Shard
    const bytes = this.#sizeOf(outgoing)
    if (shard.rates !== undefined) {
      if (!shard.rates.bytes.has(bytes, now) || !shard.rates.records.has(1, now)) {
        return {
          ok: false,
          stored: 'no',
          error: memoryError('ERR_THROTTLED', `The write rate of ${shard.id} of ${this.name} is exceeded`, { messageId: outgoing.id }),
        }
      }
      shard.rates.bytes.take(bytes)
      shard.rates.records.take(1)
    }
    const sequence = this.#sequence++
    const position = String(sequence)
    const incoming = incomingOf(outgoing, position)
    shard.append({ sequence, incoming, arrivedAt, bytes })
    this.world.observer?.({ kind: 'stored', at: now, place: this.name, id: position, message: incoming, detail: shard.id })
    return { ok: true, position }
  }

  #add(range: readonly [bigint, bigint], parents: readonly Shard[]): Shard {
    const id = `shardId-${String(this.shards.length).padStart(12, '0')}`
    const { write } = this.behaviour
    const now = this.#throttle ? this.world.clock.monotonic() : 0
    const rates = this.#throttle ? { bytes: new TokenBucket(write.bytes, now), records: new TokenBucket(write.records, now) } : undefined
    const shard = new Shard(id, range, parents, rates)
    this.shards.push(shard)
    for (const parent of parents) parent.children.push(shard)
    return shard
  }

  #reshard(parents: readonly Shard[]): void {
    for (const parent of parents) parent.closed = true
    for (const group of this.groups.values()) group.resharded()
  }

  #openShard(id: string): Shard {
    const shard = this.shards.find((candidate) => candidate.id === id)
    if (shard === undefined) throw memoryError('ERR_NOT_FOUND', `${this.name} has no shard ${id}`)
    if (shard.closed) throw memoryError('ERR_CONFLICT', `${id} of ${this.name} is closed`)
    return shard
  }
}
