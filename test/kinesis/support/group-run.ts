import { spawn, type ChildProcess } from 'node:child_process'
import { once as event } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ListShardsCommand, MergeShardsCommand, SplitShardCommand, type KinesisClient, type Shard } from '@aws-sdk/client-kinesis'
import type { Broker } from '@busbar/core'
import { kinesisGroup } from '@busbar/kinesis'
import { redisStore } from '@busbar/redis'
import { until } from '../../brokers/core/until.ts'
import { brokerOf, concurrency, maxInFlight, positions, times } from './positions.ts'
import { plainClient, region, type Account } from './read-stream.ts'
import { untilActive } from './reshard.ts'

export interface GroupRunOptions {
  readonly account: Account
  readonly redisUrl: string
  /** Positions of each of ten trucks. */
  readonly rounds: number
  readonly killEveryMs: number
}

/** What became of a run. */
export interface GroupRun {
  readonly messages: number
  readonly kills: number
  readonly reshards: number
  /** Trucks whose positions were not all handled, each in its order, without and with idempotency. */
  readonly wrong: readonly string[]
  /** Handled once more, without and with idempotency, and the most that may be. */
  readonly repeated: { readonly plain: number; readonly once: number; readonly mostPlain: number; readonly mostOnce: number }
  /** Of the oldest position that nobody has done, in the end. */
  readonly behindMs: number
}

const truckIds = Array.from({ length: 10 }, (_, index) => `truck_${index}`)
const roundMs = 150
const reshardEveryMs = 3_000
const patience = { timeoutMs: 60_000, intervalMs: 200 }

/** Three processes of a group, one of which is killed every few seconds, and replaced, while positions are sent and the stream is split and merged. */
export async function groupRun({ account, redisUrl, rounds, killEveryMs }: GroupRunOptions): Promise<GroupRun> {
  const folder = await mkdtemp(join(tmpdir(), 'busbar-group-'))
  const client = plainClient(account)
  const processes = new Processes(account, redisUrl, folder)
  try {
    for (const name of names) await writeFile(join(folder, name), '')
    await using broker = brokerOf(account, undefined)
    await broker.start()
    await Promise.all([1, 2, 3].map(() => processes.add()))
    const sent = new AbortController()
    const disturbing = Promise.all([processes.killEvery(killEveryMs, sent.signal), reshardEvery(client, sent.signal)])
    // What fails there ends the run.
    await Promise.race([send(broker, rounds), disturbing])
    sent.abort()
    const [kills, reshards] = await disturbing
    const messages = truckIds.length * rounds
    const allHandled = async (): Promise<void> => {
      for (const name of names) if (new Set(await linesOf(folder, name)).size < messages) throw new Error(`${name}: not all are handled`)
    }
    // What is missing shows in the order of its truck.
    await until('the end', allHandled, patience).catch(() => undefined)
    const behindMs = await lag(account, redisUrl)
    await processes.end()
    const [plain, once] = await Promise.all(names.map((name) => linesOf(folder, name)))
    return {
      messages,
      kills,
      reshards,
      wrong: [...wrongOf(plain ?? [], rounds), ...wrongOf(once ?? [], rounds)],
      repeated: { plain: (plain?.length ?? 0) - messages, once: (once?.length ?? 0) - messages, ...mostRepeated(kills) },
      behindMs,
    }
  } finally {
    processes.kill()
    client.destroy()
    await rm(folder, { recursive: true, force: true })
  }
}

const names = ['plain', 'once'] as const

/**
 * Without idempotency: what was done since the last checkpoint, twice its interval for slow machines, and the window held behind what was not done. With it: what was written
 * in the moment of the kill and not yet told to the store.
 */
function mostRepeated(kills: number): { readonly mostPlain: number; readonly mostOnce: number } {
  return { mostPlain: kills * (maxInFlight + Math.ceil((truckIds.length * (2 * times.checkpointMs)) / roundMs)), mostOnce: kills * concurrency }
}

class Processes {
  readonly #args: readonly string[]
  readonly #running = new Set<ChildProcess>()

  constructor({ url, credentials }: Account, redisUrl: string, folder: string) {
    this.#args = [url, credentials.accessKeyId, redisUrl, folder]
  }

  async add(): Promise<void> {
    const script = new URL('group-process.ts', import.meta.url).pathname
    const child = spawn(process.execPath, ['--conditions=busbar-source', script, ...this.#args], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#running.add(child)
    child.once('exit', () => this.#running.delete(child))
    await event(child.stdout, 'data')
  }

  /** The oldest one each time, and another one in its place. How often. */
  async killEvery(ms: number, ending: AbortSignal): Promise<number> {
    let kills = 0
    for (await pause(ms); !ending.aborted; await pause(ms)) {
      const [oldest] = this.#running
      oldest?.kill('SIGKILL')
      kills++
      await this.add()
    }
    return kills
  }

  /** They drain. */
  async end(): Promise<void> {
    for (const { stdin } of this.#running) stdin?.end()
    const ended = async (): Promise<void> => {
      if (this.#running.size > 0) throw new Error(`${this.#running.size} processes have not ended`)
    }
    await until('the processes', ended, { timeoutMs: 15_000 })
  }

  kill(): void {
    for (const child of this.#running) child.kill('SIGKILL')
  }
}

async function send(broker: Broker, rounds: number): Promise<void> {
  for (let number = 0; number < rounds; number++) {
    const results = await broker.producer(positions).sendBatch(truckIds.map((truckId) => ({ truckId, number })))
    if (results.some(({ ok }) => !ok)) throw new Error(`round ${number} was not stored`, { cause: results })
    await pause(roundMs)
  }
}

/** By turns an open shard is split in two, and two neighbours are merged. How often. */
async function reshardEvery(client: KinesisClient, ending: AbortSignal): Promise<number> {
  const StreamName = 'positions'
  let reshards = 0
  for (await pause(reshardEveryMs); !ending.aborted; await pause(reshardEveryMs)) {
    const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName }))
    const open = Shards.filter(({ SequenceNumberRange }) => SequenceNumberRange?.EndingSequenceNumber === undefined).toSorted(byRange)
    const [first, second, third] = open
    // A list may be old, or short, while the stream changes.
    if (first === undefined || second === undefined || third === undefined) continue
    const [ShardToMerge, AdjacentShardToMerge] = [second.ShardId, third.ShardId]
    if (reshards % 2 === 1) await client.send(new MergeShardsCommand({ StreamName, ShardToMerge, AdjacentShardToMerge }))
    else await client.send(new SplitShardCommand({ StreamName, ShardToSplit: first.ShardId, NewStartingHashKey: String(middleOf(first)) }))
    await untilActive(client, StreamName)
    reshards++
  }
  return reshards
}

function byRange(one: Shard, other: Shard): number {
  return edge(one, 'Starting') < edge(other, 'Starting') ? -1 : 1
}

function middleOf(shard: Shard): bigint {
  return (edge(shard, 'Starting') + edge(shard, 'Ending')) / 2n
}

function edge({ HashKeyRange }: Shard, which: 'Starting' | 'Ending'): bigint {
  return BigInt(HashKeyRange?.[`${which}HashKey`] ?? 0)
}

async function lag({ url, credentials }: Account, redisUrl: string): Promise<number> {
  await using store = redisStore({ url: redisUrl })
  await using group = kinesisGroup({ endpoint: url, region, credentials, store, stream: 'positions', subscription: 'plain', ...times })
  let behindMs = Infinity
  const isWritten = async (): Promise<void> => {
    behindMs = Math.max(...(await group.lag()).map((shard) => shard.behindMs))
    if (behindMs > 0) throw new Error(`${behindMs} ms behind`)
  }
  await until('the last checkpoints', isWritten, { timeoutMs: 6 * times.checkpointMs }).catch((error: unknown) => {
    // What it answers is judged by the caller; that it answers nothing is another failure.
    if (behindMs === Infinity) throw error
  })
  return behindMs
}

/** `truck number`, in the order in which they were handled. */
async function linesOf(folder: string, name: string): Promise<readonly string[]> {
  return (await readFile(join(folder, name), 'utf8')).split('\n').slice(0, -1)
}

/** Trucks of which something is missing, or was handled out of order when repeats are dropped. */
function wrongOf(lines: readonly string[], rounds: number): string[] {
  const first = [...new Set(lines)]
  const right = Array.from({ length: rounds }, (_, number) => String(number)).join()
  return truckIds.filter((truckId) => {
    const numbers = first.filter((line) => line.startsWith(`${truckId} `)).map((line) => line.slice(truckId.length + 1))
    return numbers.join() !== right
  })
}
