import { describe, expect, it } from 'vitest'
import { aggregate } from '../aggregation/aggregate.ts'
import { hashKeyOf } from '../shards/hash-key.ts'
import { group, TestReceivers } from './test-support/receivers.ts'

const all = (): boolean => true
const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`)

describe('the window of a receiver', () => {
  it('is never exceeded, and refilled as the checkpoint passes what is done', async () => {
    const receivers = new TestReceivers(3)
    for (const shard of [0, 1, 2]) receivers.putAll(shard, `s${shard}`, 50)
    const { intake } = await receivers.join({ window: { messages: 6, bytes: 1_000 } })
    await receivers.time.pass(5_000)
    expect(intake.arrived).toHaveLength(6)
    // Done, and held behind what is not.
    const [first, ...others] = intake.arrived.filter(({ scope }) => scope === intake.arrived[0]?.scope)
    await intake.settle(others)
    const before = intake.arrived.length
    await receivers.time.pass(2_000)
    expect(intake.arrived).toHaveLength(before)
    await intake.settle(first === undefined ? [] : [first])
    intake.acks = all
    await intake.settle([...intake.unsettled])
    await receivers.until('all have come', () => intake.arrived.length === 150)
    expect(intake.most).toBe(6)
  })

  it('is refilled once for all that is settled in one turn', async () => {
    const receivers = new TestReceivers(1)
    receivers.putAll(0, 'm', 100)
    const { intake } = await receivers.join({ window: { messages: 10, bytes: 100_000 } })
    await receivers.time.pass(5_000)
    const before = intake.deliveries
    await Promise.all(intake.arrived.map((delivery) => intake.settle([delivery])))
    await receivers.until('ten more have come', () => intake.arrived.length === 20)
    expect(intake.deliveries - before).toBe(1)
  })

  it('leaves room for other shards when one is held up by a record that is not done', async () => {
    const receivers = new TestReceivers(3)
    receivers.putAll(0, 'slow', 200)
    const { intake } = await receivers.join({ window: { messages: 12, bytes: 100_000 }, acks: (text) => text !== 'slow-1' })
    await receivers.time.pass(5_000)
    expect(intake.texts.length).toBeLessThanOrEqual(12)
    for (const shard of [1, 2]) receivers.putAll(shard, `quick${shard}`, 100)
    await receivers.until('the others are done', () => intake.texts.filter((text) => text.startsWith('quick')).length === 200)
    expect(intake.texts.filter((text) => text.startsWith('slow')).length).toBeLessThanOrEqual(12)
    await intake.settle(intake.held('slow-1'))
    await receivers.until('the slow one too', () => intake.texts.filter((text) => text.startsWith('slow')).length === 200)
  })

  it('holds a page back for as long as there is no room, and asks for no other', async () => {
    const receivers = new TestReceivers(1)
    receivers.putAll(0, 'm', 100)
    const joined = await receivers.join({ window: { messages: 4, bytes: 100_000 } })
    await receivers.time.pass(60_000)
    expect(joined.reads).toBe(1)
    joined.intake.acks = all
    await joined.intake.settle([...joined.intake.unsettled])
    await receivers.until('all have come', () => joined.intake.arrived.length === 100)
    expect(joined.intake.texts).toEqual(numbered('m', 100))
  })

  it('reads a page ahead when half of one has been handed out, and no further', async () => {
    const receivers = new TestReceivers(1)
    receivers.putAll(0, 'm', 100)
    const joined = await receivers.join({ window: { messages: 9, bytes: 100_000 } })
    const { intake } = joined
    await receivers.time.pass(60_000)
    expect([intake.arrived.length, joined.reads]).toEqual([9, 1])
    await intake.settle(intake.held('m-1'))
    await receivers.time.pass(60_000)
    // Half a page is left, and a page behind it: the next would be read when half of that is left.
    expect([intake.arrived.length, joined.reads]).toEqual([10, 2])
    for (let number = 2; number <= 20; number++) {
      await intake.settle(intake.held(`m-${number}`))
      await receivers.time.pass(1_000)
    }
    expect([intake.arrived.length, joined.reads]).toEqual([29, 2])
    await intake.settle(intake.held('m-21'))
    await receivers.time.pass(60_000)
    expect([intake.arrived.length, joined.reads]).toEqual([30, 3])
    intake.acks = all
    await intake.settle([...intake.unsettled])
    await receivers.until('all have come', () => intake.arrived.length === 100)
    expect(intake.texts).toEqual(numbered('m', 100))
  })

  it('serves every shard that waits, when others before it in the line have nothing that is theirs', async () => {
    const receivers = new TestReceivers(2)
    const { start, end } = receivers.shards[0] as (typeof receivers.shards)[number]
    const key = numbered('key', 100).find((each) => hashKeyOf(each) >= start && hashKeyOf(each) <= end) ?? ''
    const { receiver, intake } = await receivers.join()
    await receivers.time.pass(3_000)
    await receiver.pause()
    // Of the other shard's key: all of it is left out.
    receivers.put(1, aggregate(['x', 'y'].map((text) => ({ partitionKey: key, data: Buffer.from(text) }))))
    receivers.putAll(0, 'm', 3)
    await receivers.time.pass(5_000)
    await receiver.resume()
    await receivers.time.pass(60_000)
    expect(intake.texts).toEqual(numbered('m', 3))
  })

  it('splits no more than a megabyte or two of aggregated records before other things have a turn', async () => {
    const receivers = new TestReceivers(1)
    const joined = await receivers.join({ window: { messages: 1_000, bytes: 100_000_000 } })
    let atNextTurn = 0
    joined.intake.acks = (text) => {
      if (text.startsWith('0')) queueMicrotask(() => (atNextTurn = joined.intake.arrived.length))
      return true
    }
    for (let container = 0; container < 6; container++)
      receivers.put(0, aggregate(['a', 'b'].map((part) => ({ partitionKey: 'k', data: Buffer.from(`${container}${part}`.padEnd(400_000)) }))))
    await receivers.until('all have come', () => joined.intake.arrived.length === 12)
    expect(atNextTurn).toBe(4)
    expect(joined.intake.texts.map((text) => text.trim())).toEqual(['0', '1', '2', '3', '4', '5'].flatMap((container) => [`${container}a`, `${container}b`]))
  })

  it('leaves out misplaced records a megabyte or two at a time as well', async () => {
    const receivers = new TestReceivers(2)
    const { start, end } = receivers.shards[0] as (typeof receivers.shards)[number]
    const other = numbered('key', 100).find((key) => hashKeyOf(key) < start || hashKeyOf(key) > end) ?? ''
    const { intake } = await receivers.join()
    for (let container = 0; container < 6; container++)
      receivers.put(0, aggregate(['a', 'b'].map((part) => ({ partitionKey: other, data: Buffer.from(part.padEnd(400_000)) }))))
    receivers.put(0, 'm')
    await receivers.until('what is behind them comes', () => intake.texts.includes('m'))
  })

  it('lets a record through that is larger than all of it', async () => {
    const receivers = new TestReceivers(1)
    receivers.put(0, 'small')
    receivers.put(0, 'x'.repeat(5_000))
    const { intake } = await receivers.join({ window: { messages: 10, bytes: 100 }, acks: all })
    await receivers.until('both have come', () => intake.arrived.length === 2)
  })

  it('lets a large record through between many small ones of another shard', async () => {
    const receivers = new TestReceivers(2)
    receivers.putAll(0, 'small', 300)
    receivers.put(1, 'first')
    receivers.put(1, 'x'.repeat(99))
    const { receiver, intake } = await receivers.join({ window: { messages: 10, bytes: 100 } })
    // One at a time, so that there is always one that would take the place of the one before.
    const large = (): boolean => intake.texts.some((text) => text.length === 99)
    for (let round = 0; round < 100 && !large(); round++) {
      const [oldest] = intake.unsettled
      if (oldest !== undefined) await intake.settle([oldest])
      await receivers.time.pass(10)
    }
    expect(large()).toBe(true)
    await receivers.during(receiver.handBack())
  })

  it('holds a shard alone whose next record is larger than what is left, while one key is held up', async () => {
    const receivers = new TestReceivers(3)
    receivers.put(0, 'slow'.padEnd(60))
    receivers.put(1, 'first')
    receivers.put(1, 'large'.padEnd(70))
    receivers.put(1, 'behind it')
    const { intake } = await receivers.join({ window: { messages: 50, bytes: 100 }, acks: (text) => !/^(slow|first)/.test(text) })
    await receivers.until('both are held', () => intake.unsettled.size === 2)
    receivers.putAll(2, 'quick', 300)
    await receivers.until('the third shard is done', () => intake.texts.filter((text) => text.startsWith('quick')).length === 300)
    expect(intake.texts.some((text) => text.startsWith('large'))).toBe(false)
    await intake.settle(intake.held('first'))
    await receivers.until('the large one comes, and what is behind it', () => intake.texts.includes('behind it'))
    expect(intake.unsettled.size).toBe(1)
  })

  it('lets every shard come to its large record while others go on, one at a time', async () => {
    const receivers = new TestReceivers(4)
    for (const shard of [0, 1, 2]) receivers.put(shard, `large-${shard}`.padEnd(80))
    const { intake } = await receivers.join({ window: { messages: 50, bytes: 100 }, acks: (text) => text.startsWith('quick') })
    const large = (): string[] => intake.texts.filter((text) => text.startsWith('large'))
    for (let count = 2; count <= 3; count++) {
      // One inside and one on top.
      await receivers.until('two are out', () => large().length === count)
      receivers.putAll(3, `quick-${count}`, 100)
      await receivers.until('the fourth shard is done', () => intake.texts.includes(`quick-${count}-100`))
      expect(large()).toHaveLength(count)
      await intake.settle(intake.held(large()[count - 2] as string))
    }
    expect(intake.most).toBeLessThan(50)
  })

  it('is free again of what was lost', async () => {
    const receivers = new TestReceivers(1)
    receivers.putAll(0, 'm', 10)
    const { intake } = await receivers.join({ window: { messages: 4, bytes: 1_000 } })
    for (let round = 1; round <= 5; round++) {
      await receivers.until('the window is full', () => intake.unsettled.size === 4)
      receivers.store.free(`${group}/shard/${receivers.shards[0]?.id}`)
      await receivers.until('it is lost', () => intake.lostScopes.size === round)
    }
    await receivers.until('the window is full', () => intake.unsettled.size === 4)
    expect(intake.most).toBe(4)
  })

  it('can be resized', async () => {
    const receivers = new TestReceivers(1)
    receivers.putAll(0, 'm', 20)
    const { receiver, intake } = await receivers.join({ window: { messages: 2, bytes: 1_000 } })
    await receivers.time.pass(1_000)
    expect(intake.arrived).toHaveLength(2)
    receiver.resize({ messages: 7, bytes: 1_000 })
    expect(intake.arrived).toHaveLength(7)
  })
})

it('gives the places of a shard that is lost to others when core has heard of that, and not before', async () => {
  const receivers = new TestReceivers(2)
  receivers.putAll(0, 'a', 20)
  const { intake } = await receivers.join({ window: { messages: 10, bytes: 1_000 } })
  await receivers.until('the window is filled', () => intake.unsettled.size > 5)
  receivers.putAll(1, 'b', 20)
  await receivers.until('it is full', () => intake.unsettled.size === 10)
  receivers.store.free(`${group}/shard/${receivers.shards[0]?.id}`)
  await receivers.until('it is lost', () => intake.lostScopes.size === 1)
  await receivers.time.pass(1_000)
  expect(intake.texts.filter((text) => text.startsWith('b')).length).toBeGreaterThan(5)
  expect(intake.most).toBe(10)
})
