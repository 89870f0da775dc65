import type { PutRecordsRequestEntry, PutRecordsResultEntry } from '@aws-sdk/client-kinesis'
import { sleep, type Outgoing, type SendResult } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import { seeded } from '../group/test-support/virtual-time.ts'
import { entriesOf, evenShards, FakeKinesis, outgoing, serviceError, throttled } from '../test-support/fake-kinesis.ts'
import { never, senderOf } from '../test-support/sending.ts'

/** Beyond the five seconds that a message waits: the request that is out then, and what is given up when its shard is next closed. */
const longestMs = 8_000

/** A stream whose shards take so many records a second, that is split and merged, and whose requests take a while and may fail. */
class BadStream extends FakeKinesis {
  out = 0
  mostOut = 0
  readonly #random: () => number
  readonly #perSecond: number
  readonly #tokens: Map<string, { left: number; atMs: number }> = new Map()

  constructor(random: () => number) {
    super(1 + Math.floor(random() * 4))
    this.#random = random
    this.#perSecond = [20, 300, 10_000][Math.floor(random() * 3)] as number
    this.on('PutRecords', (input) => this.#put(entriesOf(input)))
  }

  reshard(): void {
    const made = evenShards(1 + Math.floor(this.#random() * 5)).map((shard) => ({ ...shard, id: `${this.shards.length}-${shard.id}` }))
    this.shards = [...this.shards.map((shard) => ({ ...shard, open: false })), ...made]
  }

  async #put(records: readonly PutRecordsRequestEntry[]): Promise<unknown> {
    this.mostOut = Math.max(this.mostOut, ++this.out)
    try {
      await sleep(this.clock, this.#random() * 30)
      if (this.#random() < 0.03) throw serviceError('ThrottlingException')
      if (this.#random() < 0.02) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
      const answers = records.map((record) => this.#take(record))
      await sleep(this.clock, this.#random() * 30)
      if (this.#random() < 0.02) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' })
      return { Records: answers }
    } finally {
      this.out--
    }
  }

  #take(record: PutRecordsRequestEntry): PutRecordsResultEntry {
    if (this.#random() < 0.002) return { ErrorCode: 'InternalFailure' }
    const shard = this.shardOf(record.PartitionKey ?? '')
    const now = this.clock.monotonic()
    const { left, atMs } = this.#tokens.get(shard) ?? { left: this.#perSecond, atMs: now }
    const tokens = Math.min(this.#perSecond, left + ((now - atMs) * this.#perSecond) / 1_000)
    this.#tokens.set(shard, { left: tokens < 1 ? tokens : tokens - 1, atMs: now })
    return tokens < 1 ? throttled() : this.store(record)
  }
}

it.each(Array.from({ length: 20 }, (_, index) => index + 1))(
  'answers every message in time, and as it is, and keeps the order of keys (seed %s)',
  async (seed) => {
    const random = seeded(seed)
    const pick = <T>(...values: readonly [T, ...T[]]): T => values[Math.floor(random() * values.length)] as T
    const stream = new BadStream(random)
    const sender = await senderOf(stream, {}, { shardShare: pick<number | false>(0.02, 1, false) })
    const [keyed, keys, most] = [pick(0, 0.1, 0.5), pick(1, 5, 300), pick(1, 20, 400)]
    const results = new Map<string, SendResult>()
    const waits: number[] = []
    let sent = 0
    const message = (): Outgoing => outgoing({ id: `m-${sent}`, body: `${sent++}`, key: random() < keyed ? `k${Math.floor(random() * keys)}` : undefined })
    for (let round = 0; round < 60; round++) {
      const batch = Array.from({ length: Math.ceil(random() * most) }, message)
      const since = stream.clock.monotonic()
      void sender.send(batch, never).then((answers) => {
        waits.push(stream.clock.monotonic() - since)
        for (const [index, { body }] of batch.entries()) results.set(String(body), answers[index] as SendResult)
      })
      if (random() < 0.05) stream.reshard()
      await stream.clock.advance(random() * 150)
    }
    await stream.clock.advance(20_000)

    expect(waits).toHaveLength(60)
    expect(Math.max(...waits)).toBeLessThan(longestMs)
    expect(stream.mostOut).toBeLessThanOrEqual(4)
    expect(Math.max(...stream.requests)).toBeLessThanOrEqual(500)
    const stored = stream.stored.map(({ text }) => text)
    expect(new Set(stored).size).toBe(stored.length)
    const isThere = new Set(stored)
    const wrong = [...results].filter(([body, result]) => (result.ok ? !isThere.has(body) : result.stored === 'no' && isThere.has(body)))
    expect(wrong).toEqual([])
    for (const ofKey of Map.groupBy(
      stream.stored.filter(({ key }) => key.startsWith('k')),
      ({ key }) => key,
    ).values()) {
      const numbers = ofKey.map(({ text }) => Number(text))
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    }
  },
)
