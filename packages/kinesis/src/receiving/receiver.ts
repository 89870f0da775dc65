import {
  isBrokerError,
  sleep,
  type BrokerError,
  type Intake,
  type Outcome,
  type Receiver,
  type SettleResult,
  type StartFrom,
  type Timer,
  type Window,
} from '@busbar/core/driver'
import { kinesisError } from '../errors.ts'
import { GroupWorker } from '../group/group-worker.ts'
import type { ShardLease } from '../group/held-shard.ts'
import type { GroupHandler } from '../group/options.ts'
import { addressOf } from '../names.ts'
import type { Shard } from '../shards/shard-map.ts'
import type { ShardReader } from '../reading/shard-reader.ts'
import { BlockedWatch } from './blocked-watch.ts'
import { Gate } from './gate.ts'
import { GroupContext, type GroupContextParts } from './group-context.ts'
import { judge, replacedStream } from './judge.ts'
import { QuietLog } from './quiet-log.ts'
import { ShardReading } from './shard-reading.ts'
import type { Splitting } from './shard-record.ts'
import { KinesisDelivery, mostSplitBytes, ShardScope } from './shard-scope.ts'
import { SharedWindow } from './shared-window.ts'
import { workerName } from './worker-name.ts'

export interface ReceiverParts extends GroupContextParts {
  readonly reader: ShardReader
  readonly envelope: boolean
}

/** Records of one shard in a row before the next shard has its turn. */
const turnRecords = 100
/** How long to wait for the first page of each shard that begins with `latest`, so that what is written from then on is read. */
const longestStartMs = 10_000

interface Held {
  readonly scope: ShardScope
  readonly reading: ShardReading
}

/** Receives the shards of a stream that its group gives it: each a scope. Reads them page by page, as the window has room for what was read. */
export class KinesisReceiver implements Receiver {
  /** For all workers of the subscription; refused with `ERR_CONFLICT` while others read it. Streams alone have it: what a queue or a topic has done does not come again. */
  declare readonly seek?: (position: StartFrom) => Promise<void>
  readonly #parts: ReceiverParts
  readonly #intake: Intake
  readonly #window: SharedWindow
  readonly #gate: Gate = new Gate()
  readonly #held: Map<ShardLease, Held> = new Map()
  /** Those of them that have records to hand out; the next to be served first. */
  readonly #waiting: Set<ShardScope> = new Set()
  readonly #quiet: QuietLog
  readonly #looked: PromiseWithResolvers<void> = Promise.withResolvers()
  /** What does not work at the moment: shards by their names, and the group. */
  readonly #failing: Set<string> = new Set()
  #context: GroupContext | undefined
  #worker: GroupWorker | undefined
  #watch: BlockedWatch | undefined
  #checking: Promise<void> | undefined
  #serving = false
  #later: Timer | undefined
  #started = false
  #ended = false

  constructor(parts: ReceiverParts, intake: Intake, window: Window) {
    this.#parts = parts
    this.#intake = intake
    this.#window = new SharedWindow(window)
    this.#quiet = new QuietLog(parts.services)
    if (parts.endpoint.kind === 'stream') this.seek = (position) => this.#seek(position)
  }

  async start(): Promise<void> {
    const { services, store, times, stream } = this.#parts
    const { clock, random } = services
    const context = (this.#context = await GroupContext.of(this.#parts))
    // Handed back meanwhile: nothing is to be leased any more.
    if (this.#ended) return
    const { group, startFrom, findPosition } = context
    const listShards = async (): Promise<readonly Shard[]> => {
      await this.#checkStream(context)
      return context.listShards()
    }
    const worker = workerName(random)
    this.#worker = new GroupWorker({ store, clock, random, group, worker, startFrom, listShards, findPosition, handler: this.#handler, ...times })
    this.#watch = new BlockedWatch({
      clock,
      retentionMs: () => context.identity.retentionMs,
      scopes: () => [...this.#held.values()].map(({ scope }) => scope),
      onBlocked: ({ partition, lease }, ageMs) =>
        services.log('error', 'record:blocked', {
          stream: stream.name,
          shard: partition,
          sequence: String(lease.oldest?.sequence),
          ageMs,
          retentionMs: context.identity.retentionMs,
        }),
    })
    this.#worker.start()
    this.#watch.start()
    const enough = new AbortController()
    await Promise.race([this.#begun(), sleep(clock, longestStartMs, enough.signal).catch(() => undefined)])
    enough.abort()
    this.#started = true
  }

  async settle(outcomes: readonly Outcome[]): Promise<readonly SettleResult[]> {
    const results = outcomes.map((outcome) => this.#settle(outcome))
    // Once for all that is settled in one turn: a message handed out by itself costs more than one among many.
    if (this.#waiting.size > 0) this.#serveLater()
    return results
  }

  resize(window: Window): void {
    this.#window.resize(window)
    this.#serve()
  }

  async pause(): Promise<void> {
    this.#gate.close()
  }

  async resume(): Promise<void> {
    if (this.#ended) return
    this.#gate.open()
    this.#serve()
  }

  async handBack(): Promise<void> {
    this.#ended = true
    this.#looked.resolve()
    this.#watch?.stop()
    this.#later?.cancel()
    this.#later = undefined
    for (const { scope, reading } of this.#held.values()) {
      reading.stop()
      scope.stop()
    }
    this.#gate.open()
    await this.#worker?.drain()
    for (const lease of this.#held.keys()) this.#remove(lease)
  }

  async #seek(position: StartFrom): Promise<void> {
    if (this.#worker === undefined) throw kinesisError('ERR_CLOSED', `${addressOf(this.#parts.stream)}: the receiver has not started`)
    await this.#worker.replay(position)
  }

  readonly #handler: GroupHandler = {
    start: (lease) => this.#start(lease),
    revoke: (lease, deadlineMs) => this.#revoke(lease, deadlineMs),
    lost: (lease, reason) => this.#lost(lease, reason),
    failed: (error) => {
      this.#fail('group', asBrokerError(error))
      // What is written before the group has begun is not `latest`: another look is waited for then.
      if (this.#context?.startFrom !== 'latest') this.#looked.resolve()
    },
    forgotten: () => this.#parts.services.log('error', 'leases:forgotten', { stream: this.#parts.stream.name, group: this.#context?.group }),
    looked: () => {
      this.#recover('group')
      this.#looked.resolve()
    },
  }

  async #begun(): Promise<void> {
    await this.#looked.promise
    const latest = [...this.#held.values()].filter(({ scope }) => scope.lease.from.kind === 'latest')
    await Promise.all(latest.map(({ reading }) => reading.begun))
  }

  /** After a failure, and whenever shards are listed: a stream of the same name may be there, and be read as if it were the old one. */
  #checkStream(context: GroupContext): Promise<void> {
    // All shards recover at once after an outage, and Kinesis answers this call twenty times a second.
    return (this.#checking ??= this.#checkNow(context).finally(() => {
      this.#checking = undefined
    }))
  }

  async #checkNow(context: GroupContext): Promise<void> {
    const replaced = await replacedStream(context)
    if (replaced === undefined) return
    if (!this.#ended) this.#intake.failed(replaced, true)
    throw replaced
  }

  #start(lease: ShardLease): void {
    if (this.#ended) return
    const { reader, api, services, stream, envelope } = this.#parts
    const { shard } = lease
    const scope = new ShardScope({ lease, window: this.#window, envelope, splitting: () => this.#splitting(shard) })
    const reading = new ShardReading({
      scope,
      reader,
      api,
      services,
      stream,
      gate: this.#gate,
      late: this.#started,
      onPage: () => {
        this.#waiting.add(scope)
        this.#serve()
      },
      onTrimmed: (sequence) => services.log('warn', 'record:trimmed', { stream: stream.name, shard, after: String(sequence) }),
      onFailed: (error) => this.#fail(shard, error),
      onRecovered: () => {
        this.#recover(shard)
        void this.#checkStream(this.#context as GroupContext).catch(() => undefined)
      },
      judge: (error, sinceMs) => judge(error, shard, sinceMs, this.#context as GroupContext),
      onFatal: (error) => this.#intake.failed(error, true),
    })
    this.#held.set(lease, { scope, reading })
    void reading.run().then(() => this.#removeIfDone(scope))
  }

  async #revoke(lease: ShardLease, deadlineMs: number): Promise<void> {
    const held = this.#held.get(lease)
    if (held === undefined) return
    held.reading.stop()
    held.scope.stop()
    // In a drain core has waited already, and what still runs is not waited for twice.
    if (!this.#ended) await this.#intake.revoke(held.scope, deadlineMs)
    if (lease.oldest === undefined) return this.#remove(lease)
    // What has outlasted the deadline must not be begun again here, when the next worker has it.
    this.#lost(lease, kinesisError('ERR_TOO_LATE', `kinesis: shard ${lease.shard} goes to another worker before its handlers have ended`))
  }

  #lost(lease: ShardLease, reason: Error): void {
    const held = this.#held.get(lease)
    if (held === undefined) return
    held.scope.stop()
    // Before its places are given to others, or more than the window were held for a moment.
    if (!this.#ended) this.#intake.lost(held.scope, asBrokerError(reason))
    this.#remove(lease)
  }

  #remove(lease: ShardLease): void {
    const held = this.#held.get(lease)
    if (held === undefined) return
    this.#held.delete(lease)
    this.#waiting.delete(held.scope)
    held.reading.stop()
    held.scope.close()
    this.#recover(lease.shard)
    this.#serve()
  }

  /** A shard that has been read to its end fills no place any more when all of it is done. */
  #removeIfDone({ lease }: ShardScope): void {
    if (lease.ended) this.#remove(lease)
  }

  #splitting(shard: string): Splitting {
    const { stream } = this.#parts
    return {
      within: (this.#context as GroupContext).ownerOf(shard),
      onOddity: ({ sequence }, { event, ...data }) => this.#quiet.warn(event, shard, { stream: stream.name, shard, sequence: String(sequence), ...data }),
    }
  }

  /** Hands out what there is room for, the shards taking turns. */
  #serve(): void {
    if (this.#serving) return
    this.#serving = true
    let split = 0
    for (let denied = 0; denied < this.#waiting.size && this.#gate.isOpen && !this.#ended;) {
      const [scope] = this.#waiting
      if (scope === undefined) break
      const { deliveries, room, splitBytes } = scope.take(turnRecords)
      split += splitBytes
      if (deliveries.length > 0) {
        denied = 0
        this.#intake.deliver(deliveries)
      } else if (room === 'full') break
      // One that has nothing more leaves the line, which is shorter then: it counts for nobody behind it.
      else if (scope.hasMore) denied++
      // To the end of the line, unless it has nothing more.
      this.#waiting.delete(scope)
      if (scope.hasMore) this.#waiting.add(scope)
      if (split < mostSplitBytes) continue
      this.#serveLater()
      break
    }
    this.#serving = false
  }

  /** When other things have had their turn. */
  #serveLater(): void {
    const { clock } = this.#parts.services
    this.#later ??= clock.timer(clock.monotonic(), () => {
      this.#later = undefined
      this.#serve()
    })
  }

  #settle({ delivery, action }: Outcome): SettleResult {
    if (!(delivery instanceof KinesisDelivery)) return { error: kinesisError('ERR_INVALID', 'kinesis: the delivery belongs to another receiver') }
    const { scope } = delivery
    if (action === 'ack') {
      const result = scope.complete(delivery)
      this.#removeIfDone(scope)
      return result
    }
    if (!scope.lease.held) return 'too-late'
    // It is not below the checkpoint, and so it comes again, with what is behind it, when the shard is handed over.
    if (action === 'release') return 'accepted'
    return { error: kinesisError('ERR_UNSUPPORTED', `kinesis: ${action} is not supported: records cannot be given back one by one`) }
  }

  #fail(what: string, error: BrokerError): void {
    if (this.#ended) return
    this.#failing.add(what)
    this.#intake.failed(error, false)
  }

  #recover(what: string): void {
    if (this.#failing.delete(what) && this.#failing.size === 0 && !this.#ended) this.#intake.recovered()
  }
}

function asBrokerError(error: Error): BrokerError {
  if (isBrokerError(error)) return error
  return kinesisError('ERR_UNAVAILABLE', `kinesis: the lease store: ${error.message}`, { cause: error })
}
