import { describe, expect, it } from 'vitest'
import type { Checkpoint } from '../group/checkpoint.ts'
import { FakeKinesis, serviceError } from '../test-support/fake-kinesis.ts'
import { FakeShard } from '../test-support/fake-shard.ts'
import { failing, Reading } from '../test-support/reading.ts'
import { pollingReader } from './polling-reader.ts'
import { defaultReadPace } from './shard-pace.ts'

const horizon: Checkpoint = { kind: 'horizon' }
const iteratorMs = 300_000

function polling(from: Checkpoint = horizon, fake?: FakeKinesis, shard?: FakeShard): Reading {
  return new Reading(pollingReader(defaultReadPace), from, fake, shard)
}

function afterRecord(sequence: bigint, subSequence?: number): Checkpoint {
  return { kind: 'after', position: { sequence, subSequence } }
}

/** Where iterators were asked for. */
function asked({ fake }: Reading): unknown[][] {
  return fake.named('GetShardIterator').map(({ input }) => [input['ShardIteratorType'], input['StartingSequenceNumber'] ?? input['Timestamp']])
}

describe('order and completeness', () => {
  it('reads what is there and what comes, in order, with empty pages in between', async () => {
    const reading = polling()
    reading.shard.put('a', 'b')
    reading.start()
    await reading.pass(1_000)
    reading.shard.put('c')
    await reading.pass(5_000)
    expect(reading.texts).toEqual(['a', 'b', 'c'])
    expect(reading.pages.length).toBeGreaterThan(4)
    expect(reading.pages[0]?.records[0]).toMatchObject({ partitionKey: 'k', arrivedAt: reading.fake.clock.now() - 6_000, sequence: expect.any(BigInt) })
    expect(reading.fake.named('GetShardIterator')).toHaveLength(1)
  })

  it('reads nothing while no page is asked for', async () => {
    const reading = polling()
    reading.shard.put('a')
    await reading.pass(10_000)
    expect(reading.fake.calls).toEqual([])
    const one = reading.one()
    await reading.pass(10_000)
    await one
    expect(reading.fake.named('GetRecords')).toHaveLength(1)
  })

  it('begins behind a record, or with it where a part of it is done', async () => {
    for (const [subSequence, texts] of [
      [undefined, ['c']],
      [3, ['b', 'c']],
    ] as const) {
      const fake = new FakeKinesis(1)
      const shard = new FakeShard(fake)
      const [, b = 0n] = shard.put('a', 'b', 'c')
      const reading = polling(afterRecord(b, subSequence), fake, shard).start()
      await reading.pass(1_000)
      expect(reading.texts).toEqual(texts)
      expect(reading.pages[0]).not.toHaveProperty('trimmedAfter')
    }
  })

  it('begins with the newest, without what was there before', async () => {
    const reading = polling({ kind: 'latest' })
    reading.shard.put('old')
    reading.start()
    await reading.pass(0)
    reading.shard.put('new')
    await reading.pass(2_000)
    expect(reading.texts).toEqual(['new'])
    expect(asked(reading)).toEqual([['LATEST', undefined]])
  })

  it('begins with a time, and waits for one that is to come', async () => {
    const fake = new FakeKinesis(1)
    const shard = new FakeShard(fake)
    const reading = polling({ kind: 'time', timestamp: fake.clock.now() + 90_000 }, fake, shard).start()
    shard.put('early')
    await reading.pass(89_000)
    expect(fake.calls).toEqual([])
    await reading.pass(2_000)
    shard.put('late')
    await reading.pass(2_000)
    expect(reading.texts).toEqual(['late'])
    expect(reading.failures).toEqual([])
  })

  it('tries again where the time has not come yet by the clock of the service', async () => {
    const reading = polling({ kind: 'time', timestamp: new FakeKinesis(1).clock.now() })
    reading.shard.aheadMs = -3_000
    reading.start()
    await reading.pass(10_000)
    reading.shard.put('a')
    await reading.pass(2_000)
    expect(reading.failures[0]).toMatchObject({ code: 'ERR_UNAVAILABLE', message: expect.stringContaining('clock') })
    expect([reading.texts, reading.recoveries]).toEqual([['a'], 1])
  })
})

describe('iterators that expire', () => {
  it.each<[string, Checkpoint]>([
    ['the oldest record', horizon],
    ['a time', { kind: 'time', timestamp: 1_767_225_600_000 }],
  ])('begins with %s again when nothing has been read', async (_what, from) => {
    const reading = polling(from)
    await expireFirst(reading)
    reading.shard.put('a')
    reading.start()
    await reading.pass(2_000)
    expect(reading.texts).toEqual(['a'])
    expect(asked(reading)[1]).toEqual(asked(reading)[0])
    expect(reading.failures).toEqual([])
  })

  it('begins with the time of the first look when nothing has been read since the newest record', async () => {
    const reading = polling({ kind: 'latest' })
    reading.shard.put('old')
    await reading.pass(5_000)
    await expireFirst(reading, 'new')
    reading.start()
    await reading.pass(2_000)
    expect(reading.texts).toEqual(['new'])
    expect(asked(reading).map(([type]) => type)).toEqual(['LATEST', 'AT_TIMESTAMP'])
  })

  it('asks for the newest record but once, also when the answer is lost', async () => {
    const reading = polling({ kind: 'latest' })
    failing(reading.shard, 'GetShardIterator', 3, () => serviceError('InternalFailureException', 'lost', 500))
    reading.start()
    await reading.pass(10)
    reading.shard.put('new')
    await reading.pass(20_000)
    expect(reading.texts).toEqual(['new'])
    expect(reading.recoveries).toBe(1)
  })

  it('goes on behind the last record', async () => {
    const reading = polling()
    reading.shard.put('a', 'b')
    const one = reading.one()
    await reading.pass(0)
    await one
    await reading.pass(iteratorMs)
    reading.shard.put('c')
    reading.start()
    await reading.pass(2_000)
    expect(reading.texts).toEqual(['a', 'b', 'c'])
    expect(reading.failures).toEqual([])
    expect(reading.pages.some((page) => 'trimmedAfter' in page)).toBe(false)
  })

  it('tells when the record to go on behind is not kept any more, with the first page behind the gap', async () => {
    const reading = polling()
    const [, b] = reading.shard.put('a', 'b')
    const one = reading.one()
    await reading.pass(0)
    await one
    reading.shard.put('lost', 'c')
    reading.shard.trim(3)
    await reading.pass(iteratorMs)
    reading.start()
    await reading.pass(2_000)
    expect(reading.texts).toEqual(['a', 'b', 'c'])
    expect(reading.pages.flatMap(({ trimmedAfter }) => trimmedAfter ?? [])).toEqual([b])
    expect(reading.pages.find(({ trimmedAfter }) => trimmedAfter !== undefined)?.records).toHaveLength(1)
  })

  /** One page that holds nothing, then a pause in which its iterator expires. */
  async function expireFirst(reading: Reading, ...puts: readonly string[]): Promise<void> {
    const one = reading.one()
    await reading.pass(0)
    await one
    expect(reading.texts).toEqual([])
    await reading.pass(1)
    reading.shard.put(...puts)
    await reading.pass(iteratorMs)
  }
})

describe('what goes wrong', () => {
  it.each([
    ['a failure of the service', () => serviceError('InternalFailureException', 'broken', 500), 'ERR_UNAVAILABLE'],
    ['a cut connection', () => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }), 'ERR_UNAVAILABLE'],
    ['a throttle', () => serviceError('ProvisionedThroughputExceededException'), 'ERR_THROTTLED'],
    ['a key that is asked for too often', () => serviceError('KMSThrottlingException'), 'ERR_THROTTLED'],
  ])('goes on where it was after %s, and tells', async (_what, error, code) => {
    const reading = polling()
    reading.shard.put('a')
    failing(reading.shard, 'GetRecords', 4, error)
    reading.start()
    await reading.pass(60_000)
    expect(reading.texts).toEqual(['a'])
    expect(reading.failures.map((failure) => failure.code)).toEqual([code, code, code, code])
    expect(reading.recoveries).toBe(1)
    expect(reading.fake.named('GetShardIterator')).toHaveLength(1)
  })

  it('waits longer after each failure, ten seconds at most, and never gives up', async () => {
    const reading = polling()
    failing(reading.shard, 'GetRecords', Infinity, () => serviceError('InternalFailureException', 'broken', 500))
    reading.start()
    await reading.pass(600_000)
    const times = reading.fake.named('GetRecords').map(({ atMs }) => atMs)
    const waits = times.slice(1).map((at, index) => at - (times[index] ?? 0))
    expect(waits.length).toBeGreaterThan(70)
    expect(waits.toSorted((a, b) => a - b)).toEqual(waits)
    expect(Math.max(...waits)).toBeLessThanOrEqual(10_000)
  })

  it('takes an answer that makes no sense for none', async () => {
    const reading = polling()
    let broken = true
    reading.shard.put('a')
    reading.fake.on('GetRecords', () => {
      const SequenceNumber = broken ? undefined : '77'
      broken = false
      return { Records: [{ SequenceNumber, Data: Buffer.from('a') }], ChildShards: [{ ShardId: 'child' }] }
    })
    reading.start()
    await reading.pass(10_000)
    expect(reading.failures).toMatchObject([{ code: 'ERR_UNAVAILABLE' }])
    expect([reading.texts, reading.end]).toEqual([['a'], 'ended'])
  })

  it.each([
    ['GetShardIterator', 'ResourceNotFoundException', 'ERR_NOT_FOUND'],
    ['GetShardIterator', 'InvalidArgumentException', 'ERR_INVALID'],
    ['GetRecords', 'AccessDeniedException', 'ERR_ACCESS_DENIED'],
    ['GetRecords', 'KMSDisabledException', 'ERR_CONFIGURATION'],
  ])('throws what trying again does not mend: %s answers %s', async (call, name, code) => {
    const reading = polling()
    failing(reading.shard, call, Infinity, () => serviceError(name))
    reading.start()
    await reading.pass(60_000)
    expect(reading.end).toMatchObject({ code, message: expect.stringContaining('shard-0 of stream positions') })
    expect(reading.fake.named(call)).toHaveLength(1)
    expect(reading.failures).toEqual([])
  })
})

describe('the end', () => {
  it.each([true, false])('is reached where the shard is closed and read, with records on the last page: %s', async (withRecords) => {
    const reading = polling()
    reading.shard.put('a', 'b')
    if (withRecords) reading.shard.closed = true
    reading.start()
    await reading.pass(2_000)
    expect(reading.end).toBe(withRecords ? 'ended' : undefined)
    reading.shard.closed = true
    await reading.pass(2_000)
    expect(reading.texts).toEqual(['a', 'b'])
    expect(reading.end).toBe('ended')
    const calls = reading.fake.calls.length
    await reading.pass(60_000)
    expect(reading.fake.calls).toHaveLength(calls)
  })

  it('is not believed of an answer that names no children while the shard is open: nothing that comes after it is left out', async () => {
    const reading = polling()
    reading.shard.put('a')
    reading.start()
    await reading.pass(1_000)
    const page = reading.shard.answer
    const bare: readonly (readonly [answer: (input: Readonly<Record<string, never>>) => unknown, text: string])[] = [
      [() => ({}), 'empty'],
      [(input) => ({ ...(page(input) as object), NextShardIterator: undefined }), 'still open'],
    ]
    for (const [index, [answer, text]] of bare.entries()) {
      reading.fake.on('GetRecords', answer)
      reading.shard.put(`b-${index}`)
      await reading.pass(10_000)
      expect(reading.failures.at(-1)).toMatchObject({ code: 'ERR_UNAVAILABLE', message: expect.stringContaining(text) })
      reading.fake.on('GetRecords', page)
      reading.shard.put(`c-${index}`)
      await reading.pass(20_000)
    }
    expect(reading.end).toBeUndefined()
    expect(reading.texts).toEqual(['a', 'b-0', 'c-0', 'b-1', 'c-1'])
    expect(reading.recoveries).toBe(2)
  })

  it('is not believed of an empty answer, also where the shard is closed and has more', async () => {
    const reading = polling()
    reading.shard.put('a', 'b')
    reading.shard.pageRecords = 1
    reading.shard.closed = true
    reading.fake.shards = reading.fake.shards.map((shard) => ({ ...shard, open: false }))
    let answers = 0
    reading.fake.on('GetRecords', (input) => (++answers === 2 ? {} : reading.shard.answer(input)))
    reading.start()
    await reading.pass(20_000)
    expect([reading.texts, reading.end]).toEqual([['a', 'b'], 'ended'])
  })

  it('is believed without children where the shard is listed as closed, when that can be looked up', async () => {
    const reading = polling()
    reading.shard.put('a')
    reading.shard.closed = true
    const page = reading.shard.answer
    reading.fake.on('GetRecords', (input) => ({ ...(page(input) as object), ChildShards: undefined }))
    let down = true
    const listed = { Shards: [{ ShardId: 'shard-0', SequenceNumberRange: { StartingSequenceNumber: '1', EndingSequenceNumber: '2' } }] }
    reading.fake.on('ListShards', () => {
      if (down) throw serviceError('InternalFailureException', 'broken', 500)
      return listed
    })
    reading.start()
    await reading.pass(20_000)
    expect(reading.end).toBeUndefined()
    down = false
    await reading.pass(20_000)
    expect([reading.texts, reading.end]).toEqual([['a'], 'ended'])
  })

  it('comes at once when the signal fires: in a pause, in a call, in a back-off', async () => {
    const inPause = polling().start()
    await inPause.pass(100)
    const inCall = polling()
    inCall.fake.on('GetRecords', (_input, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))))
    inCall.start()
    await inCall.pass(100)
    const inBackoff = polling()
    failing(inBackoff.shard, 'GetRecords', Infinity, () => serviceError('InternalFailureException', 'broken', 500))
    inBackoff.start()
    await inBackoff.pass(5_000)
    for (const reading of [inPause, inCall, inBackoff]) {
      expect(reading.end).toBeUndefined()
      reading.abort()
      await reading.pass(0)
      expect(reading.end).toBe('aborted')
    }
  })
})
