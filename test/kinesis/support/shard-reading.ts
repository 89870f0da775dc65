import type { KinesisClient } from '@aws-sdk/client-kinesis'
import { systemClock } from '@busbar/core'
import type { BrokerError, Services } from '@busbar/core/driver'
import { Api } from 'kinesis-source/api.ts'
import type { Checkpoint } from 'kinesis-source/group/checkpoint.ts'
import { streamOf } from 'kinesis-source/names.ts'
import type { ShardReader } from 'kinesis-source/reading/shard-reader.ts'
import { until } from '../../brokers/core/until.ts'

export const services: Services = { clock: systemClock, random: () => Math.random(), log: () => undefined, meter: () => undefined }

export interface ShardReading extends AsyncDisposable {
  /** Of all records so far, in the order in which they were read. */
  readonly texts: readonly string[]
  readonly failures: readonly BrokerError[]
  /** What the reader has returned or thrown. */
  readonly end: unknown
  /** Whether pages are asked for. */
  paused: boolean
  /** Pages that were read, the empty ones among them. */
  readonly pages: number
  /** Names of the calls that were made. */
  readonly calls: readonly string[]
}

/** Reads one shard by a reader until the end, or until it is disposed of. */
export function readShard(client: KinesisClient, stream: string, shard: string, reader: ShardReader, from: Checkpoint = { kind: 'horizon' }): ShardReading {
  const ending = new AbortController()
  const failures: BrokerError[] = []
  const texts: string[] = []
  const calls: string[] = []
  const reading = { texts, failures, calls, end: undefined as unknown, paused: false, pages: 0 }
  const pages = reader({
    api: new Api(client, { ...services, meter: (call) => void calls.push(call) }, 5_000),
    services,
    stream: streamOf(stream),
    shard,
    from,
    signal: ending.signal,
    failed: (error) => void failures.push(error),
    recovered: () => undefined,
  })
  const run = async (): Promise<void> => {
    while (reading.end === undefined) {
      await until('a pause', async () => void (reading.paused && !ending.signal.aborted && fail()), { timeoutMs: 60_000, intervalMs: 10 })
      const { done, value } = await pages.next()
      if (done === true) reading.end = value
      else {
        reading.pages++
        texts.push(...value.records.map(({ data }) => Buffer.from(data).toString()))
      }
    }
  }
  const ended = run().catch((error: unknown) => void (reading.end = error))
  return Object.assign(reading, {
    async [Symbol.asyncDispose]() {
      ending.abort()
      await ended
    },
  })
}

function fail(): never {
  throw new Error('it goes on')
}

/** Waits until so much has been read. */
export async function untilRead(reading: ShardReading, count: number): Promise<void> {
  const enough = async (): Promise<void> => {
    if (reading.texts.length < count) throw new Error(`${reading.texts.length} of ${count} records; ${String(reading.end)}; ${String(reading.failures.at(-1))}`)
  }
  await until('records', enough, { timeoutMs: 15_000, intervalMs: 20, hopeless: () => (reading.end === undefined ? undefined : 'the reading has ended') })
}

export async function untilEnded(reading: ShardReading): Promise<void> {
  const ended = async (): Promise<void> => {
    if (reading.end === undefined) throw new Error(`not ended after ${reading.texts.length} records; ${String(reading.failures.at(-1))}`)
  }
  await until('the end', ended, { timeoutMs: 15_000, intervalMs: 20 })
}
