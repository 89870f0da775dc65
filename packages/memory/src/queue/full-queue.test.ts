import { isBrokerError } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { kit } from '../test-support/kit.ts'

describe('a queue of the full profile', () => {
  it('delivers in the order sent and forgets what is acked', async () => {
    const { send, consume, stats } = await kit()
    const consumer = await consume()
    expect(await send(['a', 'b', 'c'])).toEqual([{ ok: true }, { ok: true }, { ok: true }])
    await Promise.resolve()
    expect(consumer.intake.take()).toEqual(['a', 'b', 'c'])
    expect(await stats()).toEqual({ ready: 0, inFlight: 3, delayed: 0, oldestAgeMs: 0 })
    expect(await consumer.settle('ack', 'b', 'a', 'c')).toEqual(['durable', 'durable', 'durable'])
    expect(await stats()).toEqual({ ready: 0, inFlight: 0, delayed: 0, oldestAgeMs: 0 })
  })

  it('never has more unsettled than the window allows, in messages and in bytes', async () => {
    const { send, consume } = await kit()
    const consumer = await consume({ window: { messages: 3, bytes: 10 } })
    await send(
      [
        { id: 'a', body: '1234' },
        { id: 'b', body: '1234' },
        { id: 'c', body: '1234' },
        { id: 'd', body: '' },
        { id: 'e', body: '' },
      ].map((parts) => ({ ...parts, bodyBytes: parts.body.length })),
    )
    await Promise.resolve()
    expect(consumer.intake.take()).toEqual(['a', 'b'])
    await consumer.settle('ack', 'a')
    expect(consumer.intake.take()).toEqual(['c', 'd'])
    consumer.receiver.resize({ messages: 4, bytes: 10 })
    await Promise.resolve()
    expect(consumer.intake.take()).toEqual(['e'])
  })

  it('lets a message that is larger than the window through, alone', async () => {
    const { send, consume } = await kit()
    const consumer = await consume({ window: { messages: 10, bytes: 5 } })
    await send([
      { id: 'a', body: 'x' },
      { id: 'big', body: 'x'.repeat(50) },
      { id: 'b', body: 'x' },
    ])
    await Promise.resolve()
    expect(consumer.intake.take()).toEqual(['a'])
    await consumer.settle('ack', 'a')
    expect(consumer.intake.take()).toEqual(['big'])
    await consumer.settle('ack', 'big')
    expect(consumer.intake.take()).toEqual(['b'])
  })

  it('gives a retried message back at its own place, at once or later, with its count and attempts', async () => {
    const { send, consume, clock } = await kit()
    const consumer = await consume({ window: { messages: 2 } })
    await send(['a', 'b', 'c'])
    await Promise.resolve()
    await consumer.retry(0, 'a')
    expect(consumer.intake.take()).toEqual(['a', 'b', 'a'])
    expect(consumer.last('a')).toMatchObject({ brokerAttempts: 2, incoming: { attempt: 1 } })
    await consumer.retry(5_000, 'a')
    expect(consumer.intake.take()).toEqual(['c'])
    await consumer.settle('ack', 'b', 'c')
    await clock.advance(4_999)
    expect(consumer.intake.take()).toEqual([])
    await clock.advance(1)
    expect(consumer.intake.take()).toEqual(['a'])
    expect(consumer.last('a').sameAs).toBe('m1')
  })

  it('does not count a released message as delivered', async () => {
    const { send, consume } = await kit()
    const consumer = await consume()
    await send(['a'])
    await Promise.resolve()
    await consumer.settle('release', 'a')
    expect(consumer.last('a').brokerAttempts).toBe(1)
  })

  it('delivers again when a lease ends, and answers too late to the old receipt', async () => {
    const { send, consume, clock, stats } = await kit()
    const consumer = await consume()
    await send(['a'])
    await clock.advance(0)
    const old = consumer.last('a')
    expect(old.leaseUntil).toBe(30_000)
    await clock.advance(30_000)
    const fresh = consumer.last('a')
    expect(fresh).not.toBe(old)
    expect(fresh).toMatchObject({ sameAs: old.sameAs, brokerAttempts: 2, leaseUntil: 60_000 })
    expect(await consumer.receiver.settle([{ delivery: old, action: 'ack' }])).toEqual(['too-late'])
    expect(await consumer.receiver.extend?.([old], 1_000)).toEqual(['too-late'])
    expect((await stats()).inFlight).toBe(1)
    expect(await consumer.settle('ack', 'a')).toEqual(['durable'])
    expect(await consumer.settle('ack', 'a')).toEqual(['too-late'])
  })

  it('extends leases from now, up to twelve hours after receipt and not beyond', async () => {
    const { send, consume, clock } = await kit()
    const consumer = await consume()
    await send(['a', 'b'])
    await clock.advance(20_000)
    expect(await consumer.extend(30_000, 'a')).toEqual(['durable'])
    expect(consumer.last('a').leaseUntil).toBe(50_000)
    await clock.advance(10_000)
    expect(consumer.intake.take()).toEqual(['a', 'b', 'b'])
    const [refused] = await consumer.extend(43_200_000, 'a')
    expect(refused).toMatchObject({ error: { code: 'ERR_INVALID', retryable: false } })
    expect(await consumer.extend(43_200_000 - 30_000, 'a')).toEqual(['durable'])
  })

  it('shortens a lease too', async () => {
    const { send, consume, clock } = await kit()
    const consumer = await consume()
    await send(['a', 'b'])
    await clock.advance(1_000)
    await consumer.extend(100, 'b')
    await clock.advance(100)
    expect(consumer.intake.take()).toEqual(['a', 'b', 'b'])
  })

  it('keeps what is held when paused, and hands all of it back in order', async () => {
    const { send, consume } = await kit()
    const first = await consume({ window: { messages: 3 } })
    await send(['a', 'b', 'c', 'd'])
    await Promise.resolve()
    await first.receiver.pause()
    expect(await first.settle('ack', 'b')).toEqual(['durable'])
    expect(first.intake.take()).toEqual(['a', 'b', 'c'])
    const second = await consume()
    expect(second.intake.take()).toEqual(['d'])
    await first.receiver.handBack()
    await Promise.resolve()
    expect(second.intake.take()).toEqual(['a', 'c'])
    expect(await first.settle('ack', 'a')).toEqual(['too-late'])
  })

  it('goes on after resume', async () => {
    const { send, consume } = await kit()
    const consumer = await consume()
    await consumer.receiver.pause()
    await send(['a'])
    await Promise.resolve()
    expect(consumer.intake.take()).toEqual([])
    await consumer.receiver.resume()
    await Promise.resolve()
    expect(consumer.intake.take()).toEqual(['a'])
  })

  it('refuses deliveries of another receiver', async () => {
    const { send, consume } = await kit()
    const [first, second] = [await consume(), await consume()]
    await send(['a'])
    await Promise.resolve()
    const holder = first.intake.deliveries.length > 0 ? first : second
    const other = holder === first ? second : first
    const [result] = await other.receiver.settle([{ delivery: holder.last('a'), action: 'ack' }])
    expect(result).toMatchObject({ error: { code: 'ERR_INVALID' } })
    expect(await holder.settle('ack', 'a')).toEqual(['durable'])
  })

  it('shares messages among competing consumers', async () => {
    const { send, consume } = await kit()
    const consumers = [await consume(), await consume(), await consume()]
    await send(Array.from({ length: 30 }, (_, index) => `m${index}`))
    await Promise.resolve()
    const shares = consumers.map((consumer) => consumer.intake.take())
    expect(shares.flat()).toHaveLength(30)
    expect(new Set(shares.flat()).size).toBe(30)
    for (const share of shares) expect(share.length).toBeGreaterThanOrEqual(5)
  })

  it('delivers delayed messages when they are due, behind what is there', async () => {
    const { send, consume, clock, stats } = await kit()
    await send([{ id: 'late', delayMs: 2_000 }, { id: 'later', delayMs: 3_000 }, 'now'])
    expect(await stats()).toMatchObject({ ready: 1, delayed: 2 })
    await clock.advance(2_000)
    const consumer = await consume()
    expect(consumer.intake.take()).toEqual(['now', 'late'])
    await clock.advance(1_000)
    expect(consumer.intake.take()).toEqual(['later'])
  })

  it('drops a message whose time to live has ended, whether anybody looks or not', async () => {
    const { send, consume, clock, stats } = await kit()
    await send([
      { id: 'short', timeToLiveMs: 1_000 },
      { id: 'long', timeToLiveMs: 5_000 },
    ])
    await clock.advance(1_000)
    expect((await stats()).ready).toBe(1)
    const consumer = await consume()
    expect(consumer.intake.take()).toEqual(['long'])
  })

  it('delivers higher priorities first', async () => {
    const { send, consume } = await kit()
    await send([{ id: 'low', priority: 0 }, { id: 'high', priority: 9 }, { id: 'middle', priority: 5 }, { id: 'none' }])
    const consumer = await consume()
    expect(consumer.intake.take()).toEqual(['high', 'middle', 'low', 'none'])
  })

  it('drops a repeated deduplication id for five minutes, and tells the id of the first', async () => {
    const { send, clock, stats } = await kit()
    const [first] = await send([{ id: 'a', deduplicationId: 'd' }])
    const [second] = await send([{ id: 'b', deduplicationId: 'd' }])
    expect(second).toEqual(first)
    expect((await stats()).ready).toBe(1)
    await clock.advance(300_000)
    await send([{ id: 'c', deduplicationId: 'd' }])
    expect((await stats()).ready).toBe(2)
  })

  it('moves what was delivered too often to the dead-letter queue, with its id and count', async () => {
    const { send, consume, endpoint, clock } = await kit()
    const orders = endpoint({ deadLetterName: 'orders.dead', options: { deliveryLimit: 2 } })
    const consumer = await consume({ endpoint: orders })
    await send(['a'], orders)
    await clock.advance(0)
    await consumer.retry(0, 'a')
    await consumer.retry(0, 'a')
    expect(consumer.intake.take()).toEqual(['a', 'a'])
    const dead = await consume({ endpoint: endpoint({ name: 'orders.dead' }) })
    expect(dead.last('a')).toMatchObject({ sameAs: 'm1', brokerAttempts: 3 })
  })

  it('browses what waits, page by page, without touching it', async () => {
    const { send, consume, link, endpoint, stats } = await kit()
    await send(['a', 'b', { id: 'delayed', delayMs: 1_000 }, 'c', { id: 'too', delayMs: 500 }])
    const ids: (string | undefined)[] = []
    let cursor: string | undefined
    do {
      const page = await link.browse?.(endpoint(), { limit: 2, ...(cursor === undefined ? {} : { cursor }) })
      ids.push(...(page?.messages ?? []).map((message) => message.id))
      cursor = page?.cursor
    } while (cursor !== undefined)
    expect(ids).toEqual(['a', 'b', 'c', 'delayed', 'too'])
    expect(await stats()).toMatchObject({ ready: 3, delayed: 2 })
    const consumer = await consume()
    expect(consumer.last('a').brokerAttempts).toBe(1)
  })

  it('tells the age of the oldest message, in flight or not', async () => {
    const { send, consume, clock, stats } = await kit()
    await send(['a'])
    await clock.advance(1_000)
    await send(['b'])
    const consumer = await consume({ window: { messages: 1 } })
    expect((await stats()).oldestAgeMs).toBe(1_000)
    await consumer.settle('ack', 'a')
    expect((await stats()).oldestAgeMs).toBe(0)
  })

  it('gives what a closed link held to others when the leases end', async () => {
    const { send, consume, connect, clock, stats } = await kit()
    const other = await connect()
    const gone = await consume({ link: other })
    await send(['a'])
    await clock.advance(0)
    expect(gone.intake.take()).toEqual(['a'])
    await other.close()
    const next = await consume()
    await clock.advance(29_999)
    expect(next.intake.take()).toEqual([])
    await clock.advance(1)
    expect(next.intake.take()).toEqual(['a'])
    expect((await stats()).inFlight).toBe(1)
  })

  it('leaves no timer behind when nothing is held', async () => {
    const { send, consume, clock } = await kit()
    const consumer = await consume()
    await send(['a'])
    await clock.advance(0)
    expect(clock.pending).toBe(1)
    await consumer.settle('ack', 'a')
    expect(clock.pending).toBe(0)
  })

  it('holds no timer for what nobody receives: it is due when somebody looks or comes', async () => {
    const { send, consume, connect, clock, stats } = await kit()
    const other = await connect()
    await consume({ link: other })
    await send(['held', { id: 'delayed', delayMs: 5_000 }])
    await clock.advance(0)
    expect(clock.pending).toBe(2)
    await other.close()
    expect(clock.pending).toBe(0)
    await clock.advance(5_000)
    expect(await stats()).toMatchObject({ ready: 1, inFlight: 1, delayed: 0 })
    await clock.advance(25_000)
    const next = await consume()
    expect(next.intake.take()).toEqual(['held', 'delayed'])
    expect(await next.settle('ack', 'held', 'delayed')).toEqual(['durable', 'durable'])
    expect(clock.pending).toBe(0)
  })

  it('refuses to be used after its link is closed', async () => {
    const { link, send, sender, endpoint } = await kit()
    const before = sender()
    await link.close()
    expect(link.health()).toEqual({ state: 'closed' })
    expect(before.writable).toBe(false)
    const [result] = await send(['a'], endpoint())
    expect(result).toMatchObject({ ok: false, stored: 'no', error: { code: 'ERR_CLOSED' } })
    expect(isBrokerError(result?.ok === false && result.error)).toBe(true)
  })
})
