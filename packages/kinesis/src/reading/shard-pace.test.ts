import { expect, it } from 'vitest'
import { serviceError } from '../test-support/fake-kinesis.ts'
import { failing, Reading } from '../test-support/reading.ts'
import { pollingReader } from './polling-reader.ts'
import { defaultReadPace, ShardPace, type ReadPace } from './shard-pace.ts'

function polling(pace: Partial<ReadPace> = {}): Reading {
  return new Reading(pollingReader({ ...defaultReadPace, ...pace }), { kind: 'horizon' })
}

function waits({ fake }: Reading): number[] {
  const times = fake.named('GetRecords').map(({ atMs }) => atMs)
  return times.slice(1).map((at, index) => at - (times[index] ?? 0))
}

function limits({ fake }: Reading): number[] {
  return fake.named('GetRecords').map(({ input }) => input['Limit'] as unknown as number)
}

it('reads right on while there is more, at its share of five calls a second', async () => {
  for (const [share, ms] of [
    [1, 200],
    [0.5, 400],
    [0.1, 2_000],
  ] as const) {
    const reading = polling({ share })
    reading.shard.pageRecords = 1
    reading.shard.put(...Array.from({ length: 20 }, (_, index) => String(index)))
    reading.start()
    await reading.pass(20 * ms - 1)
    expect(reading.texts).toHaveLength(20)
    expect(waits(reading)).toEqual(Array.from({ length: 19 }, () => ms))
  }
})

it('keeps even distances, however late timers are by a millisecond or two, and none shorter than the service takes', () => {
  const beginnings = (share: number, lateMs: number): number[] => {
    const pace = new ShardPace({ ...defaultReadPace, share })
    const at: number[] = []
    for (let now = 10_000; at.length < 5; now = pace.nextAt + lateMs) {
      pace.started(now)
      pace.read(1, 100, false)
      at.push(now - 10_000)
    }
    return at
  }
  expect(beginnings(0.5, 1.5)).toEqual([0, 401.5, 801.5, 1_201.5, 1_601.5])
  expect(beginnings(0.5, 20)).toEqual([0, 420, 840, 1_260, 1_680])
  expect(beginnings(1, 1.5)).toEqual([0, 201.5, 403, 604.5, 806])
})

it('slows down to a second where nothing comes, and is back with the first record', async () => {
  const reading = polling().start()
  await reading.pass(10_000)
  expect(waits(reading).slice(0, 3)).toEqual([600, 900, 1_000])
  reading.shard.put('a')
  await reading.pass(3_000)
  expect(reading.texts).toEqual(['a'])
  expect(waits(reading).slice(10, 14)).toEqual([1_000, 400, 600, 900])
})

it('keeps to its share of two MiB a second', async () => {
  const reading = polling({ share: 1 })
  for (let index = 0; index < 40; index++) reading.shard.putBytes(new Uint8Array(262_144))
  // A first page as large as may be takes its time as well.
  reading.shard.pageRecords = 8
  reading.start()
  await reading.pass(3_000)
  const bytes = reading.pages.reduce((sum, { records }) => sum + records.reduce((of, { data }) => of + data.length, 0), 0)
  expect(bytes).toBeGreaterThan(5 * 1_048_576)
  expect(bytes).toBeLessThanOrEqual(9 * 1_048_576)
})

it('rests for five seconds after an answer as large as can be', async () => {
  const reading = polling({ share: 1, pageBytes: 10_485_760 })
  for (let index = 0; index < 12; index++) reading.shard.putBytes(new Uint8Array(1_040_000))
  reading.shard.pageRecords = 10
  reading.start()
  await reading.pass(4_990)
  expect(reading.pages).toHaveLength(1)
  await reading.pass(20)
  expect(reading.pages).toHaveLength(2)
})

it('asks for as many records as fill a page by the size of those before', async () => {
  const reading = polling({ pageBytes: 1_048_576 })
  for (let index = 0; index < 100; index++) reading.shard.putBytes(new Uint8Array(20_000))
  reading.start()
  await reading.pass(20_000)
  const [first = 0, second = 0] = limits(reading)
  expect(first).toBe(128)
  expect(second).toBe(52)
  for (let index = 0; index < 500; index++) reading.shard.putBytes(new Uint8Array(10))
  await reading.pass(60_000)
  expect(limits(reading).at(-1)).toBeGreaterThan(200)
  expect(Math.max(...limits(reading))).toBeLessThanOrEqual(10_000)
})

it('asks for one record at least, however large it may be', async () => {
  const reading = polling({ pageBytes: 65_536 })
  for (let index = 0; index < 3; index++) reading.shard.putBytes(new Uint8Array(1_000_000))
  reading.start()
  await reading.pass(20_000)
  expect(reading.texts).toHaveLength(3)
  expect(limits(reading).at(-1)).toBe(1)
})

it('makes room for others when the service refuses, and comes back slowly', async () => {
  const reading = polling()
  reading.shard.pageRecords = 1
  reading.shard.put(...Array.from({ length: 200 }, (_, index) => String(index)))
  failing(reading.shard, 'GetRecords', 3, () => serviceError('ProvisionedThroughputExceededException'))
  reading.start()
  await reading.pass(60_000)
  const paces = waits(reading)
  expect(Math.max(...paces)).toBe(3_200)
  expect(paces.at(-1)).toBe(400)
  expect(paces.filter((ms) => ms > 400).length).toBeGreaterThan(10)
})

it('has no pace of its own where it may use everything, but still rests where nothing comes', async () => {
  const reading = polling({ share: Infinity })
  reading.shard.pageRecords = 1
  reading.shard.put(...Array.from({ length: 50 }, (_, index) => String(index)))
  reading.start()
  await reading.pass(1)
  expect(reading.texts).toHaveLength(50)
  reading.fake.calls.length = 0
  await reading.pass(10_000)
  expect(waits(reading).at(-1)).toBe(1_000)
  expect(reading.fake.calls.length).toBeLessThan(20)
})
