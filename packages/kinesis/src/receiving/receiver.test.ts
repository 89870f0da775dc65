import type { LeaseStore } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { aggregate } from '../aggregation/aggregate.ts'
import { kinesisError } from '../errors.ts'
import { startingAt } from '../group/checkpoint.ts'
import { abortable } from '../reading/abortable.ts'
import { readPages } from '../reading/read-pages.ts'
import type { ShardReader } from '../reading/shard-reader.ts'
import { hashKeyOf } from '../shards/hash-key.ts'
import { endpoint } from '../test-support/fake-kinesis.ts'
import { group, TestReceivers, type Joined } from './test-support/receivers.ts'
import { RecordingIntake, textOf } from './test-support/recording-intake.ts'

const all = (): boolean => true
const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`)

/** A store of which calls fail, with what they are for: before they are carried out, or after. */
function failing(fails: (call: string) => boolean, after = false): (store: LeaseStore) => LeaseStore {
  const call = async (store: LeaseStore, name: keyof LeaseStore, given: readonly unknown[]): Promise<unknown> => {
    const isFailing = fails(callText(name, given))
    if (isFailing && !after) throw new Error('no answer')
    const answer: unknown = await Reflect.apply(store[name] as (...all: unknown[]) => unknown, store, given)
    if (isFailing) throw new Error('the answer was lost')
    return answer
  }
  return (store) =>
    new Proxy(store, {
      get:
        (_, name) =>
        (...given: unknown[]) =>
          call(store, name as keyof LeaseStore, given),
    })
}

/** A store that waits before each call. */
function watched(before: (call: string) => Promise<void>): (store: LeaseStore) => LeaseStore {
  const call = async (store: LeaseStore, name: keyof LeaseStore, given: readonly unknown[]): Promise<unknown> => {
    await before(callText(name, given))
    return Reflect.apply(store[name] as (...all: unknown[]) => unknown, store, given)
  }
  return (store) =>
    new Proxy(store, {
      get:
        (_, name) =>
        (...given: unknown[]) =>
          call(store, name as keyof LeaseStore, given),
    })
}

function callText(name: string, [first]: readonly unknown[]): string {
  return `${name} ${typeof first === 'string' ? first : (first as { readonly key?: string } | undefined)?.key}`
}

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

it('reads no child before its parent is done, also when the parent has expired meanwhile', async () => {
  const receivers = new TestReceivers(1)
  receivers.put(0, 'parent')
  const one = await receivers.join({ acks: (text) => text !== 'parent' })
  const two = await receivers.join({ acks: all })
  await receivers.time.pass(2_000)
  receivers.split(0)
  receivers.put(1, 'left')
  receivers.put(2, 'right')
  await receivers.time.pass(70_000)
  receivers.shards.shift()
  await receivers.time.pass(600_000)
  expect([...one.intake.texts, ...two.intake.texts]).toEqual(['parent'])
  await one.intake.settle(one.intake.held('parent'))
  await receivers.until('the children come', () => one.intake.arrived.length + two.intake.arrived.length === 3)
  expect([one, two].flatMap(({ intake }) => intake.failures)).toEqual([])
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

  it('tell of a shard that is lost when its handlers outlast the deadline of a hand-over, which core would retry otherwise', async () => {
    const receivers = new TestReceivers(2)
    for (const shard of [0, 1]) receivers.put(shard, 'long')
    const { intake } = await receivers.join()
    await receivers.until('both have come', () => intake.arrived.length === 2)
    // As core does, whose deadline is a little earlier than the worker's own.
    intake.revoking = () => receivers.time.sleep(29_990)
    const next = await receivers.join()
    await receivers.until('one is handed over', () => next.intake.arrived.length === 1, 60_000)
    expect([...intake.lostScopes]).toEqual([[intake.revoked[0], expect.objectContaining({ code: 'ERR_TOO_LATE' })]])
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

  it('leave a shard to others that they may lease and cannot write', async () => {
    const receivers = new TestReceivers(1)
    let refused = false
    const { intake } = await receivers.join({ wrap: failing((call) => refused && call.startsWith('save ')) })
    receivers.put(0, 'm')
    await receivers.until('it has come', () => intake.arrived.length === 1)
    refused = true
    await receivers.time.pass(120_000)
    expect([intake.lostScopes.size, intake.texts]).toEqual([1, ['m']])
    const next = await receivers.join()
    await receivers.until('the next one reads it', () => next.intake.arrived.length === 1, 60_000)
    refused = false
  })

  it('begin with latest at what is written from the start on, also when the first one is gone before it has read anything', async () => {
    const receivers = new TestReceivers(2)
    receivers.put(0, 'old')
    await receivers.time.pass(10_000)
    const first = await receivers.join({ startFrom: 'latest' })
    await receivers.during(first.receiver.handBack())
    receivers.put(0, 'in between')
    await receivers.time.pass(20_000)
    const { intake } = await receivers.join({ startFrom: 'latest' })
    await receivers.time.pass(5_000)
    expect(intake.texts).toEqual(['in between'])
  })

  it('begin with latest at the moment of the lease where they are paused then', async () => {
    const receivers = new TestReceivers(1)
    receivers.put(0, 'old')
    let down = true
    const { receiver, intake } = await receivers.join({ startFrom: 'latest', wrap: failing(() => down) })
    await receivers.time.pass(10_000)
    await receiver.pause()
    down = false
    await receivers.until('the shard is leased', () => receivers.noteOf(0) !== undefined)
    await receivers.time.pass(2_000)
    receivers.put(0, 'while paused')
    await receivers.time.pass(60_000)
    await receiver.resume()
    await receivers.time.pass(5_000)
    expect(intake.texts).toEqual(['while paused'])
  })

  it('begin with latest before what is sent right after the start, whatever call fails in the midst of it', async () => {
    for (const call of [/^claim .*\/worker\//, /^complete .*\/origin\//, /^claim .*\/shard\//, /^save /, /^scan /]) {
      const receivers = new TestReceivers(1)
      receivers.put(0, 'old')
      await receivers.time.pass(10_000)
      let left = 1
      // Carried out, and the answer is lost.
      const wrap = failing((name) => call.test(name) && left-- > 0, true)
      const { intake } = await receivers.join({ startFrom: 'latest', wrap })
      receivers.put(0, 'right after the start')
      await receivers.time.pass(20_000)
      expect([String(call), intake.texts]).toEqual([String(call), ['right after the start']])
    }
  })

  it('begin at a position: its shard there, the others at its time', async () => {
    const receivers = new TestReceivers(2)
    receivers.put(0, 'a-old')
    receivers.put(1, 'b-old')
    await receivers.time.pass(1_000)
    const { sequence } = receivers.put(0, 'a-new')
    receivers.put(1, 'b-new')
    const { intake } = await receivers.join({ startFrom: { position: String(sequence) } })
    await receivers.time.pass(5_000)
    expect(intake.texts.toSorted()).toEqual(['a-new', 'b-new'])
  })

  it('tell that a position cannot be looked for, try again, and leave off when they are handed back', async () => {
    const receivers = new TestReceivers(1)
    const { sequence } = receivers.put(0, 'm')
    let asked = 0
    const next = (): Promise<never> => {
      asked++
      return Promise.reject(kinesisError('ERR_UNAVAILABLE', 'no answer'))
    }
    const polling: ShardReader = (options) => readPages(options, { next, close: () => undefined })
    const { receiver, intake } = await receivers.join({ startFrom: { position: String(sequence) }, polling })
    await receivers.time.pass(60_000)
    expect(intake.failures.length).toBeGreaterThan(10)
    expect(intake.failures.every(({ error }) => error.message === 'no answer')).toBe(true)
    await receivers.during(receiver.handBack())
    asked = 0
    await receivers.time.pass(60_000)
    expect(asked).toBe(0)
  })

  it('tell of a search for a position that takes longer than a minute, and leave it off when they are handed back', async () => {
    const receivers = new TestReceivers(1)
    const { sequence } = receivers.put(0, 'm')
    const next = (signal: AbortSignal): Promise<undefined> =>
      abortable(
        receivers.time.sleep(3_600_000).then(() => undefined),
        signal,
      )
    const polling: ShardReader = (options) => readPages(options, { next: () => next(options.signal), close: () => undefined })
    const { receiver, intake } = await receivers.join({ startFrom: { position: String(sequence) }, polling })
    await receivers.time.pass(90_000)
    expect(intake.failures.map(({ error }) => error.code)).toEqual(['ERR_TIMEOUT'])
    const since = receivers.time.nowMs
    await receivers.during(receiver.handBack())
    expect(receivers.time.nowMs - since).toBeLessThan(1_000)
  })

  it('give back a shard that they are about to get when they are handed back', async () => {
    const receivers = new TestReceivers(1)
    const one = await receivers.join()
    let slow = false
    const calls: string[] = []
    const wrap = watched(async (call) => {
      if (slow && /^claim .*\/shard\//.test(call)) await receivers.time.sleep(3_000)
      calls.push(call)
    })
    const two = await receivers.join({ wrap })
    slow = true
    await receivers.during(one.receiver.handBack())
    await receivers.time.pass(2_500)
    await receivers.during(two.receiver.handBack())
    const before = calls.length
    await receivers.time.pass(10_000)
    expect(calls.slice(before)).toEqual([])
    const next = await receivers.join()
    receivers.put(0, 'm')
    await receivers.until('it is read at once', () => next.intake.texts.includes('m'), 2_000)
  })

  it('do not begin at a position that no shard has', async () => {
    const receivers = new TestReceivers(2)
    const { intake } = await receivers.join({ startFrom: { position: '12' } })
    expect(intake.failures[0]?.error).toMatchObject({ code: 'ERR_INVALID', message: expect.stringContaining('12') })
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

it('fails to start where there is no stream, and holds nothing then', async () => {
  const receivers = new TestReceivers(1)
  const api = { describe: () => Promise.reject(kinesisError('ERR_NOT_FOUND', 'no stream positions')) }
  await expect(receivers.join({ api: api as never })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  expect(receivers.store.total).toBe(0)
})
