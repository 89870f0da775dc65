import type { SubscribeToShardEventStream } from '@aws-sdk/client-kinesis'
import { describe, expect, it } from 'vitest'
import type { Checkpoint } from '../group/checkpoint.ts'
import { FakeKinesis, serviceError } from '../test-support/fake-kinesis.ts'
import { FakeShard } from '../test-support/fake-shard.ts'
import { apiOf, failing, Reading, servicesOf, stream } from '../test-support/reading.ts'
import { FanOutConsumer } from './fan-out-consumer.ts'
import { fanOutReader } from './fan-out-reader.ts'

const horizon: Checkpoint = { kind: 'horizon' }

function withConsumer(): FakeKinesis {
  const fake = new FakeKinesis(1)
  fake.on('DescribeStreamConsumer', () => ({ ConsumerDescription: { ConsumerStatus: 'ACTIVE', ConsumerARN: 'arn-1' } }))
  return fake
}

function fanOut(from: Checkpoint = horizon, fake: FakeKinesis = withConsumer(), shard: FakeShard = new FakeShard(fake)): Reading {
  const consumer = new FanOutConsumer({ api: apiOf(fake), services: servicesOf(fake), stream, name: 'tracker', register: false })
  return new Reading(fanOutReader(consumer), from, fake, shard)
}

function positions({ fake }: Reading): unknown[] {
  return fake.named('SubscribeToShard').map(({ input }) => (input['StartingPosition'] as unknown as { readonly Type: string }).Type)
}

function times({ fake }: Reading): number[] {
  return fake.named('SubscribeToShard').map(({ atMs }) => atMs)
}

const broken = (): Error => serviceError('InternalFailureException', 'broken', 500)

describe('order and completeness', () => {
  it('reads what is there and what comes, in order, and tells how far it is behind', async () => {
    const reading = fanOut()
    reading.shard.put('a', 'b')
    reading.start()
    await reading.pass(1_500)
    reading.shard.put('c')
    await reading.pass(2_000)
    expect(reading.texts).toEqual(['a', 'b', 'c'])
    expect(reading.pages.at(-1)?.millisBehindLatest).toBe(0)
    expect(reading.fake.named('SubscribeToShard')[0]?.input).toEqual({ ConsumerARN: 'arn-1', ShardId: 'shard-0', StartingPosition: { Type: 'TRIM_HORIZON' } })
  })

  it('takes from the connection what is asked for, and no more', async () => {
    const reading = fanOut()
    reading.shard.pageRecords = 1
    reading.shard.put('a', 'b', 'c', 'd')
    for (let asked = 1; asked <= 2; asked++) {
      const one = reading.one()
      await reading.pass(60_000)
      await one
      expect(reading.shard.fetched).toBe(asked)
    }
    expect(reading.texts).toEqual(['a', 'b'])
  })

  it.each([
    [undefined, ['c']],
    [3, ['b', 'c']],
  ])('begins behind a record, or with it where a part of it is done', async (subSequence, texts) => {
    const fake = withConsumer()
    const shard = new FakeShard(fake)
    const [, sequence = 0n] = shard.put('a', 'b', 'c')
    const reading = fanOut({ kind: 'after', position: { sequence, subSequence } }, fake, shard).start()
    await reading.pass(1_000)
    expect(reading.texts).toEqual(texts)
    expect(reading.pages[0]).not.toHaveProperty('trimmedAfter')
  })

  it('tells when the record to begin behind is not kept any more', async () => {
    const fake = withConsumer()
    const shard = new FakeShard(fake)
    const [sequence = 0n] = shard.put('a', 'lost')
    shard.trim(2)
    const reading = fanOut({ kind: 'after', position: { sequence, subSequence: undefined } }, fake, shard).start()
    await reading.pass(1_000)
    shard.put('b')
    await reading.pass(2_000)
    expect(reading.texts).toEqual(['b'])
    expect(reading.pages.flatMap(({ trimmedAfter }) => trimmedAfter ?? [])).toEqual([sequence])
  })

  it('tells when records were trimmed that came while it was held up', async () => {
    const reading = fanOut()
    const [a] = reading.shard.put('a')
    await Promise.all([reading.one(), reading.pass(1_000)])
    reading.shard.put('lost', 'b')
    reading.shard.trim(2)
    await reading.pass(600_000)
    reading.start()
    await reading.pass(5_000)
    expect(reading.texts).toEqual(['a', 'b'])
    expect(reading.pages.flatMap(({ trimmedAfter }) => trimmedAfter ?? [])).toEqual([a])
  })

  it('repeats nothing after it was held up, and tells of nothing where no record was lost', async () => {
    const reading = fanOut()
    reading.shard.put('a')
    await Promise.all([reading.one(), reading.pass(1_000)])
    reading.shard.put('b')
    await reading.pass(600_000)
    reading.start()
    await reading.pass(5_000)
    // A shard into which little is written keeps nothing of what was read, and has lost nothing.
    reading.shard.trim(2)
    await reading.pass(900_000)
    reading.shard.put('c')
    await reading.pass(5_000)
    expect(reading.texts).toEqual(['a', 'b', 'c'])
    expect(reading.pages.some((page) => 'trimmedAfter' in page)).toBe(false)
  })

  it('tries again where the time to begin with has not come yet by the clock of the service', async () => {
    const fake = withConsumer()
    const reading = fanOut({ kind: 'time', timestamp: fake.clock.now() }, fake)
    failing(reading.shard, 'SubscribeToShard', 3, () => serviceError('InvalidArgumentException', 'the timestamp is in the future'))
    reading.start()
    await reading.pass(10_000)
    reading.shard.put('a')
    await reading.pass(2_000)
    expect(reading.failures[0]).toMatchObject({ code: 'ERR_UNAVAILABLE', message: expect.stringContaining('clock') })
    expect([reading.texts, reading.recoveries]).toEqual([['a'], 1])
  })

  it('asks for the newest record but once', async () => {
    const reading = fanOut({ kind: 'latest' })
    reading.shard.put('old')
    failing(reading.shard, 'SubscribeToShard', 2, broken)
    await reading.pass(5_000)
    reading.start()
    await reading.pass(10)
    reading.shard.put('new')
    await reading.pass(20_000)
    expect(reading.texts).toEqual(['new'])
    expect(positions(reading)).toEqual(['LATEST', 'AT_TIMESTAMP', 'AT_TIMESTAMP'])
  })

  it('leaves out nothing that comes while its consumer is being made', async () => {
    const fake = new FakeKinesis(1)
    let ConsumerStatus = 'CREATING'
    fake.on('DescribeStreamConsumer', () => ({ ConsumerDescription: { ConsumerStatus, ConsumerARN: 'arn-1' } }))
    const reading = fanOut({ kind: 'latest' }, fake)
    reading.shard.put('old')
    await reading.pass(5_000)
    reading.start()
    await reading.pass(12_000)
    reading.shard.put('meanwhile')
    await reading.pass(3_000)
    ConsumerStatus = 'ACTIVE'
    await reading.pass(10_000)
    reading.shard.put('later')
    await reading.pass(5_000)
    expect(reading.texts).toEqual(['meanwhile', 'later'])
  })
})

describe('subscriptions that end', () => {
  it('are renewed before their five minutes, without a word, a gap or a repeat', async () => {
    const reading = fanOut()
    reading.start()
    const sent: string[] = []
    for (let second = 0; second < 1_000; second++) {
      sent.push(String(second))
      reading.shard.put(String(second))
      await reading.pass(1_000)
    }
    await reading.pass(10_000)
    expect(reading.texts).toEqual(sent)
    expect(reading.failures).toEqual([])
    expect(positions(reading)).toEqual(['TRIM_HORIZON', 'AFTER_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER'])
    for (const [index, at] of times(reading).slice(1).entries()) expect(at - (times(reading)[index] ?? 0)).toBeLessThan(300_000)
    expect(reading.shard.open).toBe(1)
  })

  it('are resumed where the service ended them in a pause of ours, also when no record has come', async () => {
    const reading = fanOut({ kind: 'latest' })
    const one = reading.one()
    await reading.pass(0)
    await one
    await reading.pass(400_000)
    reading.shard.put('a')
    reading.start()
    await reading.pass(3_000)
    expect(reading.texts).toEqual(['a'])
    expect(positions(reading)).toEqual(['LATEST', 'AFTER_SEQUENCE_NUMBER'])
    expect(reading.failures).toEqual([])
  })

  it('are waited for while the service still counts an earlier one, and told of after ten seconds', async () => {
    const reading = fanOut()
    failing(reading.shard, 'SubscribeToShard', 5, () => serviceError('ResourceInUseException'))
    reading.shard.put('a')
    reading.start()
    await reading.pass(9_000)
    expect(reading.texts).toEqual(['a'])
    expect(times(reading)).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000])
    expect(reading.failures).toEqual([])
    const longer = fanOut()
    failing(longer.shard, 'SubscribeToShard', 15, () => serviceError('ResourceInUseException'))
    longer.shard.put('a')
    longer.start()
    await longer.pass(60_000)
    expect(longer.failures).toMatchObject([{ code: 'ERR_CONFLICT' }])
    expect([longer.texts, longer.recoveries]).toEqual([['a'], 1])
  })

  it('are left to others for five seconds when these have taken them over', async () => {
    const reading = fanOut()
    reading.start()
    await reading.pass(6_500)
    failing(reading.shard, 'event', 1, () => serviceError('ResourceInUseException'))
    await reading.pass(1_000)
    const [first = 0, second] = times(reading)
    expect([first, second]).toEqual([0, undefined])
    reading.shard.put('a')
    await reading.pass(10_000)
    expect(times(reading)[1]).toBeGreaterThanOrEqual(12_000)
    expect(reading.texts).toEqual(['a'])
    expect(reading.failures).toMatchObject([{ code: 'ERR_CONFLICT' }])
  })

  it.each([
    ['an error in the events', broken, 'ERR_UNAVAILABLE'],
    ['a cut connection', () => Object.assign(new Error('aborted'), { code: 'ECONNRESET' }), 'ERR_UNAVAILABLE'],
    ['a throttled key', () => serviceError('KMSThrottlingException'), 'ERR_THROTTLED'],
  ])('are resumed where they were after %s', async (_what, error, code) => {
    const reading = fanOut()
    reading.shard.pageRecords = 2
    reading.shard.put('a', 'b', 'c', 'd', 'e')
    reading.start()
    await reading.pass(1_500)
    expect(reading.texts).toEqual(['a', 'b', 'c', 'd'])
    failing(reading.shard, 'event', 1, error)
    await reading.pass(10_000)
    expect(reading.texts).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(reading.failures.map((failure) => failure.code)).toEqual([code])
    expect([reading.recoveries, reading.shard.open]).toEqual([1, 1])
  })

  it('are resumed with longer and longer pauses when they end before they have said anything', async () => {
    const reading = fanOut()
    reading.fake.on('SubscribeToShard', () => ({ EventStream: (async function* () {})() }))
    reading.start()
    await reading.pass(60_000)
    expect(reading.failures[0]?.code).toBe('ERR_UNAVAILABLE')
    const gaps = times(reading).slice(1)
    expect(gaps.length).toBeGreaterThan(8)
    expect(gaps.length).toBeLessThan(20)
  })

  it('are given up when nothing is heard for 35 seconds', async () => {
    const reading = fanOut()
    reading.fake.on('SubscribeToShard', () => ({ EventStream: silent() }))
    reading.start()
    await reading.pass(34_000)
    expect(reading.failures).toEqual([])
    await reading.pass(2_000)
    expect(reading.failures).toMatchObject([{ code: 'ERR_UNAVAILABLE', message: expect.stringContaining('35000 ms') }])
    expect(times(reading).length).toBe(2)
  })
})

describe('the end', () => {
  it('is reached with the event that names the children', async () => {
    const reading = fanOut()
    reading.shard.pageRecords = 2
    reading.shard.put('a', 'b', 'c')
    reading.start()
    reading.shard.closed = true
    await reading.pass(5_000)
    expect([reading.texts, reading.end, reading.shard.open]).toEqual([['a', 'b', 'c'], 'ended', 0])
  })

  it.each([
    ['still open', { Records: [], MillisBehindLatest: 0 }],
    ['empty', {}],
  ])('is not believed of an event that names no children and is the end of nothing: %s', async (text, event) => {
    const reading = fanOut()
    const from = reading.shard.subscribe
    let bare = true
    reading.fake.on('SubscribeToShard', (input, signal) => {
      if (!bare) return from(input, signal)
      bare = false
      return { EventStream: events({ SubscribeToShardEvent: event as never }) }
    })
    reading.shard.put('a')
    reading.start()
    await reading.pass(10_000)
    reading.shard.put('b')
    await reading.pass(10_000)
    expect([reading.texts, reading.end]).toEqual([['a', 'b'], undefined])
    expect(reading.failures).toMatchObject([{ code: 'ERR_UNAVAILABLE', message: expect.stringContaining(text) }])
  })

  it('comes at once when the signal fires or the iteration is left, and closes the connection', async () => {
    const waiting = fanOut().start()
    await waiting.pass(500)
    expect(waiting.shard.open).toBe(1)
    waiting.abort()
    await waiting.pass(0)
    expect([waiting.end, waiting.shard.open]).toEqual(['aborted', 0])
    const left = fanOut()
    await Promise.all([left.one(), left.pass(500)])
    expect(left.shard.open).toBe(1)
    await left.leave()
    expect(left.shard.open).toBe(0)
  })

  it.each([
    ['SubscribeToShard', 'AccessDeniedException', 'ERR_ACCESS_DENIED'],
    ['SubscribeToShard', 'InvalidArgumentException', 'ERR_INVALID'],
    ['SubscribeToShard', 'ResourceNotFoundException', 'ERR_NOT_FOUND'],
    ['event', 'ResourceNotFoundException', 'ERR_NOT_FOUND'],
  ])('is thrown when trying again does not mend it: %s answers %s', async (call, name, code) => {
    const reading = fanOut()
    failing(reading.shard, call, Infinity, () => serviceError(name))
    reading.start()
    await reading.pass(60_000)
    expect(reading.end).toMatchObject({ code })
    expect([reading.failures, reading.shard.open]).toEqual([[], 0])
  })

  it('is none when the consumer was registered anew in the meantime', async () => {
    const reading = fanOut()
    let arn = 'arn-1'
    reading.fake.on('DescribeStreamConsumer', () => ({ ConsumerDescription: { ConsumerStatus: 'ACTIVE', ConsumerARN: arn } }))
    reading.start()
    await reading.pass(6_500)
    arn = 'arn-2'
    reading.shard.put('a')
    failing(reading.shard, 'event', 1, () => serviceError('ResourceNotFoundException'))
    await reading.pass(10_000)
    expect([reading.texts, reading.failures, reading.end]).toEqual([['a'], [], undefined])
    expect(reading.fake.named('SubscribeToShard').at(-1)?.input).toMatchObject({ ConsumerARN: 'arn-2' })
  })
})

async function* events(...all: readonly SubscribeToShardEventStream[]): AsyncGenerator<SubscribeToShardEventStream> {
  yield* all
}

function silent(): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) }
}
