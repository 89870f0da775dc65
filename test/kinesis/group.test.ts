import { spawn, type ChildProcess } from 'node:child_process'
import { once as event } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ListShardsCommand, MergeShardsCommand, SplitShardCommand, type Shard } from '@aws-sdk/client-kinesis'
import { kinesisGroup } from '@busbar/kinesis'
import { redisStore } from '@busbar/redis'
import { afterAll, describe, expect, it } from 'vitest'
import { skipOrFail, startKinesis, startRedis } from '../brokers/index.ts'
import { brokerOf, concurrency, maxInFlight, positions, times } from './support/positions.ts'
import { plainClient, region } from './support/read-stream.ts'

const bed = await startKinesis()
const redis = skipOrFail(await startRedis({}))
const account = { url: bed.url, credentials: bed.account() }
const client = plainClient(account)

const truckIds = Array.from({ length: 10 }, (_, index) => `truck_${index}`)
const rounds = 60
const roundMs = 150
/** A claim of idempotency outlives whoever was killed by twenty seconds: the last kill comes long before the end. */
const killEveryMs = 2_500

interface Handled {
  readonly truckId: string
  readonly number: number
}

describe.skipIf(redis === undefined)(
  'three processes over Redis, one of which is killed every few seconds while the stream is split and merged',
  { timeout: 90_000 },
  () => {
    if (redis === undefined) return
    const children = new Set<ChildProcess>()
    afterAll(async () => {
      for (const child of children) child.kill('SIGKILL')
      client.destroy()
      await Promise.all([bed[Symbol.asyncDispose](), redis[Symbol.asyncDispose]()])
    })

    async function startProcess(folder: string): Promise<ChildProcess> {
      const script = new URL('support/group-process.ts', import.meta.url).pathname
      const child = spawn(process.execPath, ['--conditions=busbar-source', script, bed.url, account.credentials.accessKeyId, redis?.url ?? '', folder], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      children.add(child)
      child.once('exit', () => children.delete(child))
      await event(child.stdout, 'data')
      return child
    }

    it('lose nothing, keep the order of each truck, and repeat no more than what was not written down', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'busbar-group-'))
      for (const name of ['plain', 'once']) await writeFile(join(folder, name), '')
      await using broker = brokerOf(account, undefined)
      await broker.start()
      await Promise.all([1, 2, 3].map(() => startProcess(folder)))

      const sent = new AbortController()
      let kills = 0
      const killing = (async () => {
        for (await pause(killEveryMs); !sent.signal.aborted; await pause(killEveryMs)) {
          const [oldest] = children
          oldest?.kill('SIGKILL')
          kills++
          await startProcess(folder)
        }
      })()
      const reshaping = reshape()
      for (let number = 0; number < rounds; number++) {
        const results = await broker.producer(positions).sendBatch(truckIds.map((truckId) => ({ truckId, number })))
        expect(results.filter(({ ok }) => !ok)).toEqual([])
        await pause(roundMs)
      }
      sent.abort()
      await Promise.all([killing, reshaping])
      const total = truckIds.length * rounds
      const handledBy = async (name: string): Promise<readonly Handled[]> => linesOf(await readFile(join(folder, name), 'utf8'))
      const all = (handled: readonly Handled[]): number => new Set(handled.map(({ truckId, number }) => `${truckId} ${number}`)).size
      await expect.poll(async () => [all(await handledBy('plain')), all(await handledBy('once'))], { timeout: 40_000, interval: 200 }).toEqual([total, total])

      await using store = redisStore({ url: redis.url })
      await using group = kinesisGroup({
        endpoint: bed.url,
        region,
        credentials: account.credentials,
        store,
        stream: 'positions',
        subscription: 'plain',
        ...times,
      })
      await expect.poll(async () => Math.max(...(await group.lag()).map(({ behindMs }) => behindMs)), { timeout: 10_000 }).toBe(0)
      expect((await group.leases()).filter(({ state }) => state === 'ended')).toHaveLength(3)
      for (const { stdin } of children) stdin?.end()
      await expect.poll(() => children.size, { timeout: 10_000 }).toBe(0)

      const [plain, once] = [await handledBy('plain'), await handledBy('once')]
      for (const handled of [plain, once])
        for (const truckId of truckIds) expect(firstTimes(handled, truckId)).toEqual(Array.from({ length: rounds }, (_, number) => number))
      // What was done since the last checkpoint, which is written that often, and the window held behind what was not done. Sent at 10 messages each round.
      const perKill = maxInFlight + Math.ceil((truckIds.length * (2 * times.checkpointMs)) / roundMs)
      expect(plain.length - total).toBeLessThanOrEqual(kills * perKill)
      // What was written in the moment of the kill, and not yet told to the store.
      expect(once.length - total).toBeLessThanOrEqual(kills * concurrency)
      expect(kills).toBeGreaterThanOrEqual(2)
      console.log(`${total} messages, ${kills} kills: ${plain.length - total} repeated (at most ${kills * perKill}), ${once.length - total} with idempotency`)
      await rm(folder, { recursive: true })
    })
  },
)

/** One shard is split, then one of its children is merged with its neighbour. */
async function reshape(): Promise<void> {
  const StreamName = 'positions'
  const open = async (): Promise<Shard[]> => {
    const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName }))
    return Shards.filter(({ SequenceNumberRange }) => SequenceNumberRange?.EndingSequenceNumber === undefined).toSorted((a, b) =>
      startOf(a) < startOf(b) ? -1 : 1,
    )
  }
  await pause(2_000)
  const [first] = await open()
  const end = BigInt(first?.HashKeyRange?.EndingHashKey ?? 0)
  await client.send(new SplitShardCommand({ StreamName, ShardToSplit: first?.ShardId, NewStartingHashKey: String(end / 2n) }))
  await pause(4_000)
  const [, second, third] = await open()
  await client.send(new MergeShardsCommand({ StreamName, ShardToMerge: second?.ShardId, AdjacentShardToMerge: third?.ShardId }))
}

function startOf({ HashKeyRange }: Shard): bigint {
  return BigInt(HashKeyRange?.StartingHashKey ?? 0)
}

function linesOf(text: string): readonly Handled[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [truckId = '', number] = line.split(' ')
      return { truckId, number: Number(number) }
    })
}

/** The numbers of a truck in the order in which each was handled first. */
function firstTimes(handled: readonly Handled[], truckId: string): number[] {
  return [...new Set(handled.filter((each) => each.truckId === truckId).map(({ number }) => number))]
}
