import { setTimeout as sleep } from 'node:timers/promises'
import { amqp } from '@busbar/amqp'
import { createBroker, queue, topic } from '@busbar/core'
import * as raw from 'amqplib'
import { expect, it } from 'vitest'
import { freshVhost, onEachRabbitmq } from './support/beds.ts'
import { FakeIntake, until } from './support/intake.ts'
import { endpointOf, messageOf, never, TestLink } from './support/link.ts'

const work = queue<{ n: number }>('work')
const news = topic<{ n: number }>('news')
const toA = news.subscription('a')
const toB = news.subscription('b')

interface Plain extends AsyncDisposable {
  readonly channel: raw.ConfirmChannel
  take(queue: string): Promise<raw.GetMessage[]>
}

/** A client that knows nothing of Busbar. */
async function plainClient(url: string): Promise<Plain> {
  const connection = await raw.connect(url)
  const channel = await connection.createConfirmChannel()
  return {
    channel,
    async take(name) {
      const taken: raw.GetMessage[] = []
      for (let next = await channel.get(name, { noAck: true }); next !== false; next = await channel.get(name, { noAck: true })) taken.push(next)
      return taken
    },
    [Symbol.asyncDispose]: () => connection.close(),
  }
}

await onEachRabbitmq({}, (bed) => {
  it('discards into the dead-letter queue, on the delivery’s own channel', async () => {
    const url = await freshVhost(bed)
    await using link = await TestLink.open(url, { delays: false })
    const orders = endpointOf('orders')
    const keyed = endpointOf('keyed', { keyed: true, options: { partitions: 2 }, deadLetterName: 'orders.dead' })
    await link.provision(orders, keyed)
    for (const endpoint of [orders, keyed]) {
      expect(await link.link.inspect(endpoint, never)).toMatchObject({ deadLetter: 'native' })
      await link.send(endpoint, [messageOf('bad', { headers: { tenant: 'acme' }, type: 'a.b', key: 'k' })])
      const { intake, receiver } = await link.receive(endpoint, new FakeIntake(() => 'hold'))
      await until('the message', () => intake.deliveries.length === 1)
      const outcome = { delivery: intake.deliveries[0]!, action: 'discard' } as const
      expect(await receiver.settle([outcome])).toEqual(['accepted'])
      expect(await receiver.settle([outcome])).toEqual(['too-late'])
    }
    const dead = await link.receive(endpointOf('orders.dead'))
    await until('both', () => dead.intake.deliveries.length === 2)
    const found = dead.intake.deliveries.map(({ incoming }) => `${incoming.deadLetteredFrom} ${incoming.headers['tenant']} ${incoming.type}`)
    expect(new Set(found)).toEqual(new Set(['queue keyed acme a.b', 'queue orders acme a.b']))
  })

  it('offers no discard where rejected messages go elsewhere or nowhere', async () => {
    const url = await freshVhost(bed)
    await using plain = await plainClient(url)
    await plain.channel.assertQueue('orders.dead')
    await plain.channel.assertQueue('orders', { arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 100 } })
    await using link = await TestLink.open(url, { delays: false })
    const orders = endpointOf('orders')
    expect(await link.link.inspect(orders, never)).toMatchObject({ deadLetter: 'emulated' })
    await link.send(orders, [messageOf('bad')])
    const { intake, receiver } = await link.receive(orders, new FakeIntake(() => 'hold'))
    await until('the message', () => intake.deliveries.length === 1)
    expect(await receiver.settle([{ delivery: intake.deliveries[0]!, action: 'discard' }])).toMatchObject([{ error: { code: 'ERR_UNSUPPORTED' } }])
    expect(await intake.settle(intake.deliveries[0]!)).toBe('accepted')
  })

  it('a message whose dead letter cannot be written ends in the dead-letter queue, and others go on', async () => {
    const url = await freshVhost(bed)
    const broker = createBroker({
      driver: amqp({ url, maxMessageBytes: 2_048, delays: false }),
      destinations: [work],
      provision: 'create',
      log: () => undefined,
    })
    await broker.start()
    await using plain = await plainClient(url)
    const { channel } = plain
    channel.sendToQueue('work', Buffer.from('x'.repeat(5_000)), { messageId: 'big' })
    channel.sendToQueue('work', Buffer.from('bad'), { headers: { busbar: JSON.stringify({ v: 1, i: 'i'.repeat(300) }) } })
    channel.sendToQueue('work', Buffer.from('bad'), { messageId: 'headers', headers: { a: 'x'.repeat(64_980) } })
    await channel.waitForConfirms()
    const handled: number[] = []
    await broker.consume(work, ({ body }) => void handled.push(body.n), { concurrency: 1, maxInFlight: 2 })
    await broker.producer(work).send({ n: 1 })
    await until('the good message', () => handled.includes(1))
    let dead = 0
    await until('three dead letters', async () => (dead = (await channel.checkQueue('work.dead')).messageCount) === 3)
    expect(dead).toBe(3)
    await broker.drain()
    expect((await channel.checkQueue('work')).messageCount).toBe(0)
  })

  it('redrives and discards of one subscription what the broker has dead-lettered from it, and leaves that of another', async () => {
    const url = await freshVhost(bed)
    const broker = createBroker({
      driver: amqp({ url, delays: false }),
      destinations: [news, toA, toB],
      routes: { news: { deadLetter: { destination: 'graveyard' } } },
      provision: 'create',
      log: () => undefined,
    })
    await broker.start()
    await broker.producer(news).send({ n: 1 })
    await using plain = await plainClient(url)
    const { channel } = plain
    const copy = await channel.get('news.a')
    if (copy === false) throw new Error('no copy for a')
    channel.nack(copy, false, false)
    await until('the dead letter', async () => (await channel.checkQueue('graveyard')).messageCount === 1)
    await plain.take('news.b')
    expect(await broker.deadLetters(toB).peek()).toEqual([])
    expect(await broker.deadLetters(toB).discard()).toMatchObject({ discarded: 0 })
    expect(await broker.deadLetters(toB).redrive()).toMatchObject({ moved: 0 })
    await until('the dead letter, still there', async () => (await channel.checkQueue('graveyard')).messageCount === 1)
    expect(await broker.deadLetters(toA).redrive()).toMatchObject({ moved: 1 })
    expect((await channel.checkQueue('graveyard')).messageCount).toBe(0)
    expect([(await channel.checkQueue('news.a')).messageCount, (await channel.checkQueue('news.b')).messageCount]).toEqual([1, 0])
    await broker.close()
  })

  it('keeps foreign headers and properties as they were, into the dead letters and back', async () => {
    const url = await freshVhost(bed)
    const broker = createBroker({ driver: amqp({ url, delays: false }), destinations: [work], provision: 'create', log: () => undefined })
    await broker.start()
    await using plain = await plainClient(url)
    const headers = {
      n: 42,
      f: 1.5,
      b: true,
      bytes: Buffer.from([0xff, 0x00, 0x80]),
      table: { x: 1, y: ['a', 2] },
      when: { '!': 'timestamp', value: 1_700_000_000 },
      text: 'text',
    }
    const properties = { messageId: 'm1', contentType: 'x/y', contentEncoding: 'gzip', appId: 'legacy', priority: 3, correlationId: 'c', type: 't' }
    plain.channel.sendToQueue('work', Buffer.from('not json'), { ...properties, userId: 'guest', expiration: '600000', headers })
    await plain.channel.waitForConfirms()
    const consumer = await broker.consume(work, () => undefined)
    await until('the dead letter', async () => (await plain.channel.checkQueue('work.dead')).messageCount === 1)
    await consumer.drain()
    await sleep(50)
    const look = await plain.channel.get('work.dead')
    if (look === false) throw new Error('no dead letter')
    const { 'busbar-dead': info, ...kept } = look.properties.headers ?? {}
    expect(info).toEqual(expect.any(String))
    expect(kept).toMatchObject(headers)
    expect(look.properties).toMatchObject(properties)
    expect(look.properties).toMatchObject({ userId: undefined, expiration: undefined })
    plain.channel.nack(look)
    expect(await broker.deadLetters(work).redrive()).toMatchObject({ moved: 1 })
    const [back] = await plain.take('work')
    expect(back?.properties).toMatchObject(properties)
    const { 'x-delivery-count': _count, ...again } = back?.properties.headers ?? {}
    expect(again).toEqual(headers)
    await broker.close()
  })
})
