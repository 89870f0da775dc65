import type { Endpoint, Outgoing, Sender, SendResult } from '@busbar/core/driver'
import type { KinesisOptions } from '../options.ts'
import type { Shard } from '../shards/shard-map.ts'
import { endpoint, entriesOf, evenShards, FakeKinesis, outgoing, throttled } from './fake-kinesis.ts'

export const never: AbortSignal = new AbortController().signal

const [one] = evenShards(1) as [Shard]
/** The one shard of a stream, after a split. */
export const split: readonly Shard[] = [{ ...one, open: false }, ...evenShards(2).map((shard) => ({ ...shard, id: `child-${shard.id}`, parents: [one.id] }))]
/** The two shards of a stream, after a merge. */
export const merged: readonly Shard[] = [...evenShards(2).map((shard) => ({ ...shard, open: false })), { ...one, id: 'child', parents: ['shard-0', 'shard-1'] }]

export async function senderOf(fake: FakeKinesis, parts: Partial<Endpoint> = {}, options: KinesisOptions = {}): Promise<Sender> {
  return (await fake.link(options)).sender(endpoint(parts))
}

export function keyed(key: string, body: string = key): Outgoing {
  return outgoing({ id: `id-${body}`, key, body })
}

export function numbered(count: number, key?: string): Outgoing[] {
  return Array.from({ length: count }, (_, index) => outgoing({ id: `m-${index}`, body: `b-${index}`, key: key ?? `k-${index}` }))
}

/** Keys by the shard that they hash to. */
export function keysOf(fake: FakeKinesis, shard: string, count: number): string[] {
  const keys: string[] = []
  for (let index = 0; keys.length < count; index++) if (fake.shardOf(`k-${index}`) === shard) keys.push(`k-${index}`)
  return keys
}

/** A key of a shard that takes nothing, and one of a shard that takes all. */
export async function besideHotShard(): Promise<{ readonly fake: FakeKinesis; readonly sender: Sender; readonly hot: string; readonly calm: string }> {
  const fake = new FakeKinesis(2)
  const [hot = ''] = keysOf(fake, 'shard-0', 1)
  const [calm = ''] = keysOf(fake, 'shard-1', 1)
  fake.on('PutRecords', (input) => ({ Records: entriesOf(input).map((record) => (record.PartitionKey === hot ? throttled() : fake.store(record))) }))
  return { fake, sender: await senderOf(fake), hot, calm }
}

/** Of each message `ok`, or its code and whether it is stored. */
export function codes(results: readonly SendResult[]): unknown[] {
  return results.map((result) => (result.ok ? 'ok' : [result.error.code, result.stored]))
}
