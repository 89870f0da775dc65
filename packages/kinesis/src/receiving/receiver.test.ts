import { describe, expect, it } from 'vitest'
import { aggregate } from '../aggregation/aggregate.ts'
import { kinesisError, toBrokerError } from '../errors.ts'
import { startingAt } from '../group/checkpoint.ts'
import { hashKeyOf } from '../shards/hash-key.ts'
import { endpoint, serviceError } from '../test-support/fake-kinesis.ts'
import { group, TestReceivers, type Joined } from './test-support/receivers.ts'
import { RecordingIntake, textOf } from './test-support/recording-intake.ts'

const all = (): boolean => true
const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`)

/** A key of the shard, and one of none of its own. */
function keysOf(receivers: TestReceivers, shard: number): readonly [own: string, other: string] {
  const { start, end } = receivers.shards[shard] as (typeof receivers.shards)[number]
  const keys = Array.from({ length: 100 }, (_, index) => `key-${index}`)
  const isOwn = (key: string): boolean => hashKeyOf(key) >= start && hashKeyOf(key) <= end
  return [keys.find(isOwn) ?? '', keys.find((key) => !isOwn(key)) ?? '']
}

function container(...records: readonly (readonly [key: string, text: string])[]): Uint8Array {
  return aggregate(records.map(([partitionKey, text]) => ({ partitionKey, data: Buffer.from(text) })))
}

describe('a receiver', () => {
  it('hands out each shard in order, in a scope of its own, and its checkpoint never passes what is not done', async () => {
    const receivers = new TestReceivers(2)
    receivers.putAll(0, 'a', 5)
    receivers.putAll(1, 'b', 3)
    const { intake } = await receivers.join()
    await receivers.until('all have come', () => intake.arrived.length === 8)
    expect(intake.texts.filter((text) => text.startsWith('a'))).toEqual(numbered('a', 5))
    expect(new Set(intake.arrived.map(({ scope }) => scope.partition)).size).toBe(2)
    expect(new Set(intake.arrived.map(({ sameAs }) => sameAs)).size).toBe(8)
    expect(await intake.settle(intake.held('a-1', 'a-2', 'a-4', 'b-2'))).toEqual(['accepted', 'accepted', 'accepted', 'accepted'])
    await receivers.time.pass(5_000)
    expect(receivers.noteOf(0)).toBe(`after ${receivers.shards[0]?.records[1]?.sequence}`)
    expect(receivers.noteOf(1)).toBe('horizon')
  })

  it('hands everything back with its checkpoint, for the next one to go on from at once', async () => {
    const receivers = new TestReceivers(1)
    receivers.putAll(0, 'm', 6)
    const { receiver, intake } = await receivers.join()
    await receivers.until('all have come', () => intake.arrived.length === 6)
    await receiver.pause()
    await intake.settle(intake.held('m-1', 'm-2', 'm-5'))
    const late = intake.held('m-3')
    await receivers.during(receiver.handBack())
    expect(intake.revoked).toEqual([])
    expect(await intake.settle(late)).toEqual(['too-late'])
    const next = await receivers.join()
    await receivers.until('the rest has come', () => next.intake.arrived.length === 4, 1_000)
    expect(next.intake.texts).toEqual(['m-3', 'm-4', 'm-5', 'm-6'])
    expect(intake.arrived).toHaveLength(6)
  })

  it('takes no outcome that records cannot have, and keeps what is released', async () => {
    const receivers = new TestReceivers(1)
    receivers.putAll(0, 'm', 2)
    const { receiver, intake } = await receivers.join()
    await receivers.until('all have come', () => intake.arrived.length === 2)
    expect(await intake.settle(intake.held('m-1'), 'discard')).toEqual([{ error: expect.objectContaining({ code: 'ERR_UNSUPPORTED' }) }])
    expect(await intake.settle(intake.held('m-2'), 'release')).toEqual(['accepted'])
    await receivers.during(receiver.handBack())
    const next = await receivers.join()
    await receivers.until('both come again', () => next.intake.arrived.length === 2)
  })

  it('reads nothing while it is paused, keeps its leases, and goes on', async () => {
    const receivers = new TestReceivers(1)
    const joined = await receivers.join()
    const { receiver, intake } = joined
    await receiver.pause()
    await receivers.time.pass(1_000)
    const { reads } = joined
    receivers.put(0, 'while paused')
    await receivers.time.pass(60_000)
    expect(joined.reads).toBeLessThanOrEqual(reads + 1)
    expect([intake.arrived.length, intake.lostScopes.size]).toEqual([0, 0])
    await receiver.resume()
    await receivers.until('it comes', () => intake.texts.includes('while paused'), 1_000)
  })

  it('does not fill a place with a shard that has ended, and reads its children then', async () => {
    const receivers = new TestReceivers(1)
    receivers.putAll(0, 'parent', 3)
    const { intake } = await receivers.join()
    await receivers.until('all have come', () => intake.arrived.length === 3)
    receivers.split(0)
    receivers.putAll(1, 'left', 2)
    receivers.putAll(2, 'right', 2)
    await receivers.time.pass(10_000)
    expect(intake.arrived).toHaveLength(3)
    intake.acks = all
    await intake.settle([...intake.unsettled])
    await receivers.until('the children have come', () => intake.arrived.length === 7)
    expect(intake.failures).toEqual([])
  })
})

describe('aggregated records', () => {
  it('are handed out one by one, and done one by one', async () => {
    const receivers = new TestReceivers(2)
    const [key] = keysOf(receivers, 0)
    const { sequence } = receivers.put(0, container([key, 'one'], [key, 'two'], [key, 'three']), 'a')
    receivers.put(0, 'four', key)
    const first = await receivers.join()
    await receivers.until('all have come', () => first.intake.arrived.length === 4)
    expect(first.intake.arrived.slice(0, 3).map(({ incoming }) => [incoming.position, incoming.key])).toEqual(
      [0, 1, 2].map((sub) => [`${sequence}:${sub}`, key]),
    )
    await first.intake.settle(first.intake.held('one', 'two'))
    await receivers.during(first.receiver.handBack())
    expect(receivers.noteOf(0)).toBe(`after ${sequence}:1`)
    const next = await receivers.join()
    await receivers.until('the rest has come', () => next.intake.arrived.length === 2)
    expect(next.intake.texts).toEqual(['three', 'four'])
  })

  it('are left out where a key belongs to another shard, which is told, and passed by the checkpoint; or kept, if that is asked for', async () => {
    const receivers = new TestReceivers(2)
    const [own, other] = keysOf(receivers, 0)
    const { sequence } = receivers.put(0, container([own, 'mine'], [other, 'not mine']), 'a')
    const { receiver, intake } = await receivers.join()
    await receivers.time.pass(5_000)
    expect(intake.arrived).toEqual([])
    expect(receivers.logged).toContainEqual({
      level: 'warn',
      event: 'record:misplaced',
      data: expect.objectContaining({ sequence: String(sequence), records: 2, times: 1 }),
    })
    expect(receivers.noteOf(0)).toBe(`after ${sequence}`)
    await receivers.during(receiver.handBack())
    const keeping = new TestReceivers(2)
    keeping.put(0, container([own, 'mine'], [other, 'not mine']), 'a')
    const kept = await keeping.join({ keepMisplaced: true })
    await keeping.until('both have come', () => kept.intake.arrived.length === 2)
  })

  it('are handed out whatever their keys are, once the stream has been told to distribute records by itself', async () => {
    const receivers = new TestReceivers(2)
    const [own, other] = keysOf(receivers, 0)
    const { intake } = await receivers.join()
    receivers.description = { ...receivers.description, RecordDistributionStrategy: 'AUTO' }
    await receivers.time.pass(70_000)
    receivers.put(0, container([own, 'one'], [other, 'two']), 'a')
    await receivers.until('both have come', () => intake.arrived.length === 2)
  })

  it('are taken for one record where they are corrupt, and that is told', async () => {
    const receivers = new TestReceivers(1)
    const broken = Uint8Array.from(container(['k', 'one'], ['k', 'two']))
    broken[broken.length - 1] = (broken[broken.length - 1] ?? 0) ^ 1
    receivers.put(0, broken)
    const { intake } = await receivers.join()
    await receivers.until('it has come', () => intake.arrived.length === 1)
    expect(intake.arrived[0]?.incoming.body).toEqual(broken)
    expect(receivers.logged.map(({ event }) => event)).toContain('record:corrupt')
  })
})

describe('receivers of one subscription', () => {
  it('share the shards by handing over, so that nothing is done twice', async () => {
    const receivers = new TestReceivers(4)
    for (const shard of [0, 1, 2, 3]) receivers.putAll(shard, `s${shard}`, 100)
    const one = await receivers.join({ window: { messages: 8, bytes: 1_000 } })
    const two = await receivers.join({ window: { messages: 8, bytes: 1_000 } })
    const handle = async ({ intake }: Joined): Promise<void> => void (await intake.settle([...intake.unsettled].slice(0, 2)))
    await receivers.until('two shards were handed over', async () => {
      await handle(one)
      await handle(two)
      return one.intake.revoked.length === 2
    })
    one.intake.acks = two.intake.acks = all
    await one.intake.settle([...one.intake.unsettled])
    await two.intake.settle([...two.intake.unsettled])
    const texts = (): string[] => [...one.intake.texts, ...two.intake.texts]
    await receivers.until('all have come', () => new Set(texts()).size === 400)
    // What was handed out and not begun is handed out again.
    expect(texts().length - 400).toBeLessThanOrEqual(8)
    expect([one, two].flatMap(({ intake }) => intake.failures)).toEqual([])
  })

  it('lose a shard whose lease another one has, and touch it no more', async () => {
    const receivers = new TestReceivers(1)
    receivers.putAll(0, 'm', 3)
    const { intake } = await receivers.join()
    await receivers.until('all have come', () => intake.arrived.length === 3)
    const [delivery] = intake.held('m-1')
    receivers.store.free(`${group}/shard/${receivers.shards[0]?.id}`)
    await receivers.until('it is lost', () => intake.lostScopes.size === 1)
    expect(await intake.settle(delivery === undefined ? [] : [delivery])).toEqual(['too-late'])
    await receivers.until('it comes again, in another scope', () => intake.arrived.length === 6)
    expect(intake.arrived[3]?.scope).not.toBe(delivery?.scope)
    expect(intake.arrived[3]?.sameAs).toBe(delivery?.sameAs)
  })
})

describe('a replay', () => {
  async function handled(receivers: TestReceivers, count: number): Promise<Joined> {
    const joined = await receivers.join({ acks: all })
    await receivers.until('all have come', () => joined.intake.arrived.length === count)
    return joined
  }

  it('reads all shards again, those that have ended too', async () => {
    const receivers = new TestReceivers(1)
    receivers.putAll(0, 'parent', 3)
    const { receiver, intake } = await handled(receivers, 3)
    receivers.split(0)
    receivers.put(1, 'child')
    await receivers.until('the child has come', () => intake.arrived.length === 4)
    await receivers.seek(receiver, 'earliest')
    await receivers.until('all come again', () => intake.arrived.length === 8)
    expect(intake.texts.slice(4)).toEqual([...numbered('parent', 3), 'child'])
    await receivers.time.pass(5_000)
    expect(receivers.noteOf(1, 1)).toBe(`after ${receivers.shards[1]?.records[0]?.sequence}`)
  })

  it('gives out messages anew: what core remembers of the old ones is not theirs', async () => {
    const receivers = new TestReceivers(1)
    receivers.putAll(0, 'm', 3)
    const { receiver, intake } = await handled(receivers, 3)
    await receivers.seek(receiver, 'earliest')
    await receivers.until('all come again', () => intake.arrived.length === 6)
    expect(new Set(intake.arrived.map(({ sameAs }) => sameAs)).size).toBe(6)
  })

  it('begins at a time, or at a position', async () => {
    const receivers = new TestReceivers(2)
    receivers.put(0, 'old')
    await receivers.time.pass(1_000)
    const since = receivers.now
    const { sequence } = receivers.put(0, 'new')
    receivers.put(1, 'other')
    const { receiver, intake } = await handled(receivers, 3)
    await receivers.seek(receiver, { timestamp: since })
    await receivers.until('it comes again', () => intake.arrived.length === 5)
    expect(intake.texts.slice(3).toSorted()).toEqual(['new', 'other'])
    await receivers.seek(receiver, { position: String(sequence) })
    await receivers.until('it comes again', () => intake.arrived.length === 7)
    expect(intake.texts.slice(5).toSorted()).toEqual(['new', 'other'])
    expect(startingAt({ sequence, subSequence: undefined })).toEqual({ kind: 'after', position: { sequence, subSequence: -1 } })
  })

  it.each(['queue', 'topic'] as const)('is not there for a %s, of which nothing can be read again', (kind) => {
    const receivers = new TestReceivers(1)
    expect(receivers.make(new RecordingIntake(), { endpoint: endpoint({ kind }) }).seek).toBeUndefined()
    expect(receivers.make(new RecordingIntake(), {}).seek).toBeDefined()
  })

  it('is refused while others read', async () => {
    const receivers = new TestReceivers(2)
    const [one] = [await receivers.join(), await receivers.join()]
    await receivers.until('both read', () => one.intake.revoked.length === 1)
    await receivers.time.pass(3_000)
    await expect(receivers.seek(one.receiver, 'earliest')).rejects.toMatchObject({ code: 'ERR_CONFLICT', message: expect.stringContaining('force') })
  })

  it('lets what runs end first', async () => {
    const receivers = new TestReceivers(1)
    receivers.putAll(0, 'm', 2)
    const { receiver, intake } = await receivers.join()
    await receivers.until('all have come', () => intake.arrived.length === 2)
    const running = Promise.withResolvers<void>()
    intake.revoking = () => running.promise
    const sought = receiver.seek?.('earliest') ?? Promise.reject(new Error('no seek'))
    await receivers.time.pass(5_000)
    expect(intake.arrived).toHaveLength(2)
    running.resolve()
    await receivers.during(sought)
    await receivers.until('all come again', () => intake.arrived.length === 4)
  })
})

describe('a shard that cannot be read', () => {
  it('is told of, tried again, and told of when it can be', async () => {
    const receivers = new TestReceivers(2)
    receivers.broken.set('shardId-000000000000', kinesisError('ERR_INVALID', 'no position of the shard'))
    const { intake } = await receivers.join()
    await receivers.time.pass(5_000)
    expect([intake.failing, intake.failures.every(({ fatal }) => !fatal)]).toEqual([true, true])
    receivers.broken.clear()
    receivers.put(0, 'again')
    await receivers.until('it comes', () => intake.texts.includes('again'), 60_000)
    expect(intake.failing).toBe(false)
  })

  it('counts as read where it has expired', async () => {
    const receivers = new TestReceivers(1)
    receivers.split(0)
    receivers.put(1, 'child')
    const [gone] = receivers.shards
    receivers.broken.set(gone?.id ?? '', kinesisError('ERR_NOT_FOUND', 'there is no such shard'))
    const { intake } = await receivers.join()
    receivers.shards.shift()
    await receivers.until('the child comes', () => intake.texts.includes('child'), 120_000)
  })

  it.each(['ERR_NOT_FOUND', 'ERR_ACCESS_DENIED'] as const)('ends the receiver when the stream answers %s for a minute', async (code) => {
    const receivers = new TestReceivers(1)
    receivers.broken.set('shardId-000000000000', kinesisError(code, 'no'))
    const { intake } = await receivers.join()
    await receivers.time.pass(30_000)
    expect(intake.failures.some(({ fatal }) => fatal)).toBe(false)
    await receivers.until('it is fatal', () => intake.failures.some(({ fatal }) => fatal), 120_000)
  })

  it.each(['CredentialsProviderError', 'ExpiredTokenException'])('goes on being tried while credentials are away (%s)', async (name) => {
    const receivers = new TestReceivers(1)
    receivers.broken.set('shardId-000000000000', toBrokerError(serviceError(name), 'Reading'))
    const { intake } = await receivers.join()
    await receivers.time.pass(180_000)
    expect([intake.failing, intake.failures.some(({ fatal }) => fatal)]).toEqual([true, false])
    receivers.broken.clear()
    receivers.put(0, 'again')
    await receivers.until('it comes', () => intake.texts.includes('again'), 60_000)
    expect(intake.failing).toBe(false)
  })

  it('ends the receiver when another stream has its name', async () => {
    const receivers = new TestReceivers(1)
    const { intake } = await receivers.join()
    receivers.description = { ...receivers.description, StreamCreationTimestamp: new Date(8) }
    receivers.broken.set('shardId-000000000000', kinesisError('ERR_INVALID', 'no number of this stream'))
    await receivers.until('it is fatal', () => intake.failures.some(({ fatal, error }) => fatal && error.message.includes('made anew')))
  })
})

it('tells once of a record that is not done for half of the time that the stream keeps it', async () => {
  const receivers = new TestReceivers(1)
  receivers.putAll(0, 'm', 3)
  const { intake } = await receivers.join()
  const told = (): unknown[] => receivers.logged.filter(({ event }) => event === 'record:blocked')
  await receivers.until('all have come', () => intake.arrived.length === 3)
  await intake.settle(intake.held('m-2', 'm-3'))
  await receivers.time.pass(11 * 3_600_000)
  expect(told()).toEqual([])
  await receivers.time.pass(2 * 3_600_000)
  expect(told()).toEqual([
    {
      level: 'error',
      event: 'record:blocked',
      data: expect.objectContaining({ sequence: String(receivers.shards[0]?.records[0]?.sequence), retentionMs: 86_400_000 }),
    },
  ])
  expect(textOf(intake.held('m-1')[0] as never)).toBe('m-1')
})

it('goes by the retention that the stream has now', async () => {
  const receivers = new TestReceivers(1)
  receivers.description = { ...receivers.description, RetentionPeriodHours: 168 }
  receivers.putAll(0, 'm', 1)
  await receivers.join()
  await receivers.time.pass(13 * 3_600_000)
  const told = (): unknown[] => receivers.logged.filter(({ event }) => event === 'record:blocked')
  expect(told()).toEqual([])
  receivers.description = { ...receivers.description, RetentionPeriodHours: 24 }
  await receivers.time.pass(600_000)
  expect(told()).toEqual([expect.objectContaining({ data: expect.objectContaining({ retentionMs: 86_400_000 }) })])
})

it('tells of records that were lost before they could be read', async () => {
  const receivers = new TestReceivers(1)
  receivers.trimmedAfter = 12n
  receivers.put(0, 'what is left')
  const { intake } = await receivers.join()
  await receivers.until('it has come', () => intake.arrived.length === 1)
  expect(receivers.logged).toContainEqual({
    level: 'warn',
    event: 'record:trimmed',
    data: expect.objectContaining({ shard: 'shardId-000000000000', after: '12' }),
  })
})
