import { describe, expect, it } from 'vitest'
import type { Consumer } from '../test-support/kit.ts'
import { keyed, positions, streamKit } from '../test-support/stream-kit.ts'
import type { Stream } from './stream.ts'

const held = (stream: Stream, group: string) => stream.groups.get(group)?.members.map((member) => member.leases.size)

describe('groups', () => {
  it('each reads the whole stream at its own position', async () => {
    const { send, to, from, consume, link } = await streamKit()
    await send(keyed('a1'), to)
    await link.inspect(from('late', 'latest'))
    await send(keyed('a2'), to)
    expect((await consume({ endpoint: from('all') })).intake.take()).toEqual(['a1', 'a2'])
    // The position is fixed when the group is made, not when somebody reads: nothing falls between.
    expect((await consume({ endpoint: from('late', 'latest') })).intake.take()).toEqual(['a2'])
  })

  it('answer an ack by durable when the checkpoint passes it, else by accepted', async () => {
    const { send, to, from, consume } = await streamKit({}, { shards: 1 })
    const consumer = await consume({ endpoint: from('g') })
    await send(keyed('a1', 'a2', 'a3'), to)
    await Promise.resolve()
    expect(await consumer.settle('ack', 'a2')).toEqual(['accepted'])
    expect(await consumer.settle('ack', 'a1', 'a3')).toEqual(['durable', 'durable'])
  })

  it('read again from the checkpoint after a loss; late acks are too late and move nothing', async () => {
    const { send, to, from, consume, driver } = await streamKit({}, { shards: 1 })
    const consumer = await consume({ endpoint: from('g') })
    await send(keyed('a1', 'a2', 'a3'), to)
    await Promise.resolve()
    await consumer.settle('ack', 'a1', 'a3')
    const old = consumer.last('a2')
    consumer.intake.take()
    driver.crashConsumers()
    expect(consumer.intake.lostScopes.map(({ scope }) => scope)).toEqual([old.scope])
    await Promise.resolve()
    expect(consumer.intake.take()).toEqual(['a2', 'a3'])
    expect(consumer.last('a2').sameAs).toBe(old.sameAs)
    expect(await consumer.receiver.settle([{ delivery: old, action: 'ack' }])).toEqual(['too-late'])
    driver.crashConsumers()
    await Promise.resolve()
    expect(consumer.intake.take()).toEqual(['a2', 'a3'])
  })

  it('never deliver more than the window, which acked records fill until the checkpoint passes them', async () => {
    const { send, to, from, consume } = await streamKit({}, { shards: 1 })
    const consumer = await consume({ endpoint: from('g'), window: { messages: 2 } })
    await send(keyed('a1', 'a2', 'a3', 'a4'), to)
    await Promise.resolve()
    expect(consumer.intake.take()).toEqual(['a1', 'a2'])
    await consumer.settle('ack', 'a2')
    expect(consumer.intake.take()).toEqual([])
    await consumer.settle('ack', 'a1')
    expect(consumer.intake.take()).toEqual(['a3', 'a4'])
  })

  it('share the shards evenly and hand them over gracefully to a new member', async () => {
    const { stream, send, to, from, consume, clock } = await streamKit({}, { shards: 4 })
    const first = await consume({ endpoint: from('g') })
    const revoked: string[] = []
    let release = (): void => {}
    const running = new Promise<void>((resolve) => (release = resolve))
    first.intake.onRevoke = (scope) => {
      revoked.push(scope.partition ?? '')
      return running
    }
    const second = await consume({ endpoint: from('g') })
    await clock.advance(0)
    expect(revoked).toHaveLength(2)
    await send(
      Array.from({ length: 40 }, (_, index) => ({ id: `m${index}`, key: `k${index}` })),
      to,
    )
    await clock.advance(0)
    expect(second.intake.take()).toEqual([])
    release()
    await clock.advance(0)
    expect(held(stream, 'g')).toEqual([2, 2])
    expect([...first.intake.take(), ...second.intake.take()]).toHaveLength(40)
  })

  it('take a shard whose holder lets the deadline of a hand-over pass', async () => {
    const { stream, from, consume, clock } = await streamKit({}, { shards: 2 })
    const first = await consume({ endpoint: from('g') })
    first.intake.onRevoke = () => new Promise(() => {})
    await consume({ endpoint: from('g') })
    await clock.advance(29_999)
    expect(held(stream, 'g')).toEqual([2, 0])
    await clock.advance(1)
    expect(held(stream, 'g')).toEqual([1, 1])
  })

  it('tell the holder that a shard is lost whose handlers outlast the deadline of a hand-over, and only then', async () => {
    const { send, to, from, consume, clock } = await streamKit({}, { shards: 2 })
    const first = await consume({ endpoint: from('g') })
    await send(
      Array.from({ length: 8 }, (_, index) => ({ id: `m${index}`, key: `k${index}` })),
      to,
    )
    await clock.advance(0)
    first.intake.onRevoke = () => new Promise((resolve) => void clock.timer(clock.monotonic() + 30_000, resolve))
    await consume({ endpoint: from('g') })
    await clock.advance(29_999)
    expect(first.intake.lostScopes).toEqual([])
    await clock.advance(1)
    expect(first.intake.lostScopes).toEqual([{ scope: expect.anything(), reason: expect.objectContaining({ code: 'ERR_TOO_LATE' }) }])
  })

  it('give the shards of a leaving member to the others, from the checkpoint', async () => {
    const { send, to, from, consume } = await streamKit({}, { shards: 1 })
    const first = await consume({ endpoint: from('g') })
    await send(keyed('a1', 'a2'), to)
    await Promise.resolve()
    await first.settle('ack', 'a1')
    const second = await consume({ endpoint: from('g') })
    expect(second.intake.take()).toEqual([])
    await first.receiver.pause()
    await first.receiver.handBack()
    await Promise.resolve()
    expect(second.intake.take()).toEqual(['a2'])
  })

  it('hold a key in one process: records of one shard go to one member in order', async () => {
    const { send, to, from, consume, clock } = await streamKit({}, { shards: 8 })
    const members: Consumer[] = [await consume({ endpoint: from('g') }), await consume({ endpoint: from('g') }), await consume({ endpoint: from('g') })]
    await clock.advance(0)
    await send(
      Array.from({ length: 60 }, (_, index) => ({ id: `m${index}`, key: `k${index % 6}` })),
      to,
    )
    await clock.advance(0)
    const byKey = new Map<string | undefined, Set<Consumer>>()
    for (const member of members)
      for (const { incoming } of member.intake.deliveries) byKey.set(incoming.key, (byKey.get(incoming.key) ?? new Set()).add(member))
    expect(byKey.size).toBe(6)
    for (const owners of byKey.values()) expect(owners.size).toBe(1)
    for (const member of members) {
      for (const [, ofKey] of Map.groupBy(member.intake.deliveries, ({ incoming }) => incoming.key)) {
        const numbers = ofKey.map(({ incoming }) => Number(incoming.id?.slice(1)))
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
      }
    }
  })

  it('seek: everything is handed over and read again from there', async () => {
    const { send, to, from, consume, clock } = await streamKit({}, { shards: 2 })
    const consumer = await consume({ endpoint: from('g') })
    await send(keyed('a1', 'b1', 'a2'), to)
    await clock.advance(0)
    await consumer.settle('ack', ...(consumer.intake.take() as string[]))
    await consumer.receiver.seek?.('earliest')
    await clock.advance(0)
    expect(new Set(consumer.intake.take())).toEqual(new Set(['a1', 'a2', 'b1']))
    const third = consumer.last('a2').incoming.position ?? ''
    await consumer.receiver.seek?.({ position: third })
    await clock.advance(0)
    expect(consumer.intake.take()).toEqual(['a2'])
    await consumer.receiver.seek?.('latest')
    await clock.advance(0)
    expect(consumer.intake.take()).toEqual([])
    await expect(consumer.receiver.seek?.({ position: 'nonsense' })).rejects.toMatchObject({ code: 'ERR_INVALID' })
  })

  it('filter at the broker in the full profile, and move the checkpoint over what they skip', async () => {
    const { send, to, endpoint, consume, clock, stats } = await streamKit({ profile: 'full' }, { shards: 1 })
    const large = endpoint({
      ...positions,
      options: { shards: 1 },
      subscription: { name: 'large', startFrom: 'earliest', filter: { n: [{ numeric: ['>', 5] }] } },
    })
    const consumer = await consume({ endpoint: large })
    await send(
      [1, 9, 2, 7, 3].map((n) => ({ id: `n${n}`, body: JSON.stringify({ n }) })),
      to,
    )
    await clock.advance(0)
    expect(consumer.intake.take()).toEqual(['n9', 'n7'])
    expect(await consumer.settle('ack', 'n9', 'n7')).toEqual(['durable', 'durable'])
    expect(await stats(large)).toEqual({ ready: 0, inFlight: 0, delayed: undefined, oldestAgeMs: 0 })
  })

  it('give nothing back one by one', async () => {
    const { send, to, from, consume } = await streamKit({}, { shards: 1 })
    const consumer = await consume({ endpoint: from('g') })
    await send(keyed('a1'), to)
    await Promise.resolve()
    for (const [result] of [await consumer.settle('release', 'a1'), await consumer.retry(0, 'a1')])
      expect(result).toMatchObject({ error: { code: 'ERR_UNSUPPORTED' } })
  })
})
