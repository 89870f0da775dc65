import { describe, expect, it } from 'vitest'
import { kit } from '../test-support/kit.ts'

// "Visibility" (1.6), receiving (1.5, 1.9) and dead letters (1.10) of the broker semantics reference.

const sqsProfiles = ['sqs-standard', 'sqs-fifo'] as const

describe.each(sqsProfiles)('%s: visibility (1.6)', (profile) => {
  it('is 30 s by default, from the receive (1.13)', async () => {
    const { send, consume, clock } = await kit({ profile })
    const consumer = await consume()
    await send(['a'])
    await clock.advance(29_999)
    expect(consumer.intake.take()).toEqual(['a'])
    await clock.advance(1)
    expect(consumer.intake.take()).toEqual(['a'])
  })

  it('a change sets the remaining time from that call and adds nothing', async () => {
    const { send, consume, clock } = await kit({ profile })
    const consumer = await consume()
    await send(['a'])
    await clock.advance(20_000)
    await consumer.extend(15_000, 'a')
    consumer.intake.take()
    await clock.advance(14_999)
    expect(consumer.intake.take()).toEqual([])
    await clock.advance(1)
    expect(consumer.intake.take()).toEqual(['a'])
  })

  it('a changed timeout is not remembered: the next receive has that of the queue again', async () => {
    const { send, consume, clock } = await kit({ profile })
    const consumer = await consume()
    await send(['a'])
    await clock.advance(0)
    await consumer.extend(1_000, 'a')
    await clock.advance(1_000)
    expect(consumer.intake.take()).toEqual(['a', 'a'])
    await clock.advance(29_999)
    expect(consumer.intake.take()).toEqual([])
    await clock.advance(1)
    expect(consumer.intake.take()).toEqual(['a'])
  })

  it('0 releases now', async () => {
    const { send, consume, clock } = await kit({ profile })
    const consumer = await consume()
    await send(['a'])
    await clock.advance(0)
    await consumer.extend(0, 'a')
    await clock.advance(0)
    expect(consumer.intake.take()).toEqual(['a', 'a'])
  })

  it('every receive has a handle of its own (1.5)', async () => {
    const { send, consume } = await kit({ profile })
    const consumer = await consume()
    await send(['a'])
    await consumer.settle('release')
    const first = consumer.last('a')
    await consumer.settle('release', 'a')
    expect(consumer.last('a')).not.toBe(first)
    expect(consumer.last('a').sameAs).toBe(first.sameAs)
  })

  it('deleting twice succeeds both times; a change after that does not', async () => {
    const { send, consume } = await kit({ profile })
    const consumer = await consume()
    await send(['a'])
    await consumer.settle('release')
    expect(await consumer.settle('ack', 'a')).toEqual(['durable'])
    expect(await consumer.settle('ack', 'a')).toEqual(['durable'])
    expect(await consumer.retry(0, 'a')).toEqual(['too-late'])
    expect(await consumer.extend(1_000, 'a')).toEqual(['too-late'])
  })
})

describe('SQS FIFO: receiving (1.9)', () => {
  it('an expired handle deletes nothing, whoever has deleted the message since (1.6)', async () => {
    const { send, consume, clock } = await kit({ profile: 'sqs-fifo' })
    const first = await consume({ window: { messages: 1 } })
    await send([{ id: 'm1', key: 'g' }])
    await clock.advance(0)
    await first.receiver.pause()
    const second = await consume()
    await clock.advance(30_000)
    expect(await second.settle('ack', 'm1')).toEqual(['durable'])
    expect(await first.settle('ack', 'm1')).toEqual(['too-late'])
  })

  it('a later message of a batch may be deleted first; the earlier comes again after it', async () => {
    const { send, consume, clock } = await kit({ profile: 'sqs-fifo' })
    await send(['m1', 'm2'].map((id) => ({ id, key: 'g' })))
    const consumer = await consume()
    expect(consumer.intake.take()).toEqual(['m1', 'm2'])
    expect(await consumer.settle('ack', 'm2')).toEqual(['durable'])
    await clock.advance(30_000)
    expect(consumer.intake.take()).toEqual(['m1'])
  })

  it('stores the entries of a request in their order, group by group (rule 7)', async () => {
    const { send, consume } = await kit({ profile: 'sqs-fifo' })
    await send(['a1', 'b1', 'a2', 'b2'].map((id) => ({ id, key: id.charAt(0) })))
    expect((await consume()).intake.take()).toEqual(['a1', 'a2', 'b1', 'b2'])
  })

  it('a message of another group that expires does not let a later one of its group pass', async () => {
    const { send, consume, clock } = await kit({ profile: 'sqs-fifo' })
    const consumer = await consume({ window: { messages: 1 } })
    await send(['m1', 'm2'].map((id) => ({ id, key: 'g' })))
    await clock.advance(30_000)
    expect(consumer.intake.take()).toEqual(['m1', 'm1'])
  })
})

describe.each(sqsProfiles)('%s: dead letters (1.10)', (profile) => {
  it('tells the queue that a message was moved from (DeadLetterQueueSourceArn), and keeps body, headers and count', async () => {
    const { send, consume, endpoint, clock, driver } = await kit({ profile })
    const orders = endpoint({ deadLetterName: 'orders.dead', options: { deliveryLimit: 1 } })
    const consumer = await consume({ endpoint: orders })
    await send([{ id: 'a', key: 'k', body: 'text', headers: { tenant: 'acme' } }], orders)
    await consumer.settle('release')
    await consumer.settle('release', 'a')
    const dead = await consume({ endpoint: endpoint({ name: 'orders.dead', keyed: false }) })
    await clock.advance(0)
    expect(dead.last('a')).toMatchObject({
      brokerAttempts: 2,
      incoming: { id: 'a', key: 'k', body: 'text', headers: { tenant: 'acme' }, deadLetteredFrom: driver.address(orders) },
    })
    expect(consumer.last('a').incoming.deadLetteredFrom).toBeUndefined()
  })

  it(`keeps the age of a message that is moved on a standard queue, and begins anew on FIFO`, async () => {
    const { send, consume, endpoint, clock, stats } = await kit({ profile })
    const orders = endpoint({ deadLetterName: 'orders.dead', options: { deliveryLimit: 1 } })
    const deadLetters = endpoint({ name: 'orders.dead', keyed: false })
    const consumer = await consume({ endpoint: orders })
    await send(['a'], orders)
    await clock.advance(0)
    await consumer.extend(43_200_000, 'a')
    await clock.advance(43_200_000)
    expect((await stats(deadLetters)).ready).toBe(1)
    await clock.advance(345_600_000 - 43_200_000)
    expect((await stats(deadLetters)).ready).toBe(profile === 'sqs-fifo' ? 1 : 0)
    await clock.advance(43_200_000)
    expect((await stats(deadLetters)).ready).toBe(0)
  })
})
