import { setTimeout as sleep } from 'node:timers/promises'
import * as raw from 'amqplib'
import { expect, it } from 'vitest'
import { freshVhost, onEachRabbitmq } from './support/beds.ts'
import { bodyOf, FakeIntake, until } from './support/intake.ts'
import { endpointOf, errorOf, messageOf, never, TestLink } from './support/link.ts'

await onEachRabbitmq({}, (bed) => {
  it('carries a message with all its parts', async () => {
    await using link = await TestLink.open(await freshVhost(bed))
    const orders = endpointOf('orders')
    await link.provision(orders)
    const sent = messageOf('hällo', {
      headers: { tenant: 'acme', 'x-request-id': 'r1' },
      type: 'order.placed',
      contentType: 'text/plain',
      key: 'k 1',
      attempt: 2,
      correlationId: 'c'.repeat(300),
      replyTo: 'back',
      timestamp: 1_700_000_000_123,
    })
    await link.send(orders, [sent])
    const { intake } = await link.receive(orders)
    await until('a delivery', () => intake.deliveries.length === 1)
    const { native: _native, body: _body, ...incoming } = intake.deliveries[0]!.incoming
    expect(bodyOf(intake.deliveries[0]!)).toBe('hällo')
    expect({ ...incoming, headers: { ...incoming.headers } }).toEqual({
      id: sent.id,
      bodyBytes: 6,
      headers: { tenant: 'acme', 'x-request-id': 'r1' },
      type: 'order.placed',
      contentType: 'text/plain',
      timestamp: 1_700_000_000_000,
      key: 'k 1',
      attempt: 2,
      correlationId: 'c'.repeat(300),
      replyTo: 'back',
      position: undefined,
    })
    expect(intake.deliveries[0]!.brokerAttempts).toBe(1)
  })

  it('carries the headers and keys of each message of a batch, of which many have the same names', async () => {
    await using link = await TestLink.open(await freshVhost(bed))
    const orders = endpointOf('orders')
    await link.provision(orders)
    const sent = Array.from({ length: 200 }, (_, n) => {
      const headers = n % 10 === 0 ? {} : n % 7 === 0 ? { tenant: `t${n}` } : { trace: `${n}`, tenant: `t${n}` }
      return messageOf(`${n}`, { headers, ...(n % 3 === 0 ? {} : { key: `k${n}` }) })
    })
    await link.send(orders, sent)
    const { intake } = await link.receive(orders)
    await until('all of them', () => intake.deliveries.length === 200)
    expect(intake.deliveries.map(({ incoming: { id, headers, key } }) => ({ id, headers: { ...headers }, key }))).toEqual(
      sent.map(({ id, headers, key }) => ({ id, headers, key })),
    )
  })

  it('interoperates with plain clients both ways', async () => {
    const url = await freshVhost(bed)
    await using link = await TestLink.open(url)
    const orders = endpointOf('orders')
    await link.provision(orders)
    const connection = await raw.connect(url)
    const channel = await connection.createConfirmChannel()
    await link.send(orders, [
      messageOf('out', { id: 'o1', type: 't', contentType: 'text/plain', timestamp: 1_700_000_000_500, headers: { a: '1' }, correlationId: 'c', replyTo: 'r' }),
    ])
    const got = await channel.get('orders', { noAck: true })
    expect(got).toMatchObject({
      properties: {
        messageId: 'o1',
        type: 't',
        contentType: 'text/plain',
        timestamp: 1_700_000_000,
        deliveryMode: 2,
        correlationId: 'c',
        replyTo: 'r',
        headers: { a: '1' },
      },
    })

    const foreign = {
      n: 5,
      f: 1.5,
      big: 2 ** 40,
      yes: true,
      nothing: null,
      bytes: Buffer.from('text'),
      raw: Buffer.from([0xff, 0xfe]),
      list: [1, { a: 'b' }],
      when: { '!': 'timestamp', value: 1_700_000_000 },
    }
    channel.sendToQueue('orders', Buffer.from('in'), {
      headers: { ...foreign, 'x-death': [1, 2], 'x-delivery-count': 7, CC: [], busbar: 42 },
      timestamp: 1_700_000_000,
      contentEncoding: 'gzip',
    })
    channel.sendToQueue('orders', Buffer.alloc(0))
    channel.sendToQueue('orders', Buffer.from('newer'), { headers: { busbar: '{"v":99,"k":"x"}' } })
    await channel.waitForConfirms()
    const { intake } = await link.receive(orders)
    await until('three deliveries', () => intake.deliveries.length === 3)
    expect({ ...intake.deliveries[0]!.incoming.headers }).toEqual({
      n: '5',
      f: '1.5',
      big: '1099511627776',
      yes: 'true',
      nothing: '',
      bytes: 'text',
      raw: '//4=',
      list: '[1,{"a":"b"}]',
      when: '2023-11-14T22:13:20.000Z',
      'content-encoding': 'gzip',
    })
    expect(intake.deliveries[0]!.incoming).toMatchObject({ id: undefined, key: undefined, attempt: 0, timestamp: 1_700_000_000_000 })
    expect(intake.deliveries[0]!.brokerAttempts).toBe(1)
    expect(intake.bodies).toEqual(['in', '', 'newer'])
    await connection.close()
  })

  it('takes a foreign message through a retry with its native headers, none of the broker, and one attempt more', async () => {
    const url = await freshVhost(bed)
    await using link = await TestLink.open(url)
    const orders = endpointOf('orders')
    await link.provision(orders)
    const connection = await raw.connect(url)
    const channel = await connection.createConfirmChannel()
    channel.sendToQueue('orders', Buffer.from('x'), { headers: { n: 5, 'x-death': [{ count: 1 }] }, userId: 'guest', expiration: '60000', appId: 'app' })
    await channel.waitForConfirms()
    const { intake } = await link.receive(orders, new FakeIntake((delivery) => (delivery.incoming.attempt === 0 ? { retryMs: 200 } : 'hold')))
    await until('the second delivery', () => intake.deliveries.length === 2)
    const { incoming } = intake.deliveries[1]!
    expect(incoming.attempt).toBe(1)
    expect({ ...incoming.headers }).toEqual({ n: '5' })
    expect((incoming.native as raw.ConsumeMessage).properties).toMatchObject({ appId: 'app', userId: undefined, expiration: undefined, headers: { n: 5 } })
    expect(intake.settled).toEqual(['accepted'])
    await connection.close()
  })

  it('refuses what cannot be routed, and only that', async () => {
    await using link = await TestLink.open(await freshVhost(bed))
    const results = await link.sender(endpointOf('nowhere')).send([messageOf('a', { id: 'same' }), messageOf('b')], never)
    expect(results.map((result) => !result.ok && [result.error.code, result.stored])).toEqual([
      ['ERR_UNROUTABLE', 'no'],
      ['ERR_UNROUTABLE', 'no'],
    ])
  })

  it('refuses single messages that AMQP cannot carry and sends the others', async () => {
    await using link = await TestLink.open(await freshVhost(bed))
    const orders = endpointOf('orders')
    await link.provision(orders)
    const results = await link
      .sender(orders)
      .send(
        [
          messageOf('ok1'),
          messageOf('big headers', { headers: { h: 'x'.repeat(70_000) } }),
          messageOf('long id', { id: 'i'.repeat(256) }),
          messageOf('ok2', { headers: { h: 'x'.repeat(60_000) } }),
        ],
        never,
      )
    expect(results.map((result) => result.ok || [result.error.code, result.stored])).toEqual([true, ['ERR_TOO_LARGE', 'no'], ['ERR_INVALID', 'no'], true])
    const { intake } = await link.receive(orders)
    await until('both', () => intake.deliveries.length === 2)
  })

  it('acks out of order, singly and by prefix, and nothing comes again', async () => {
    await using link = await TestLink.open(await freshVhost(bed))
    const orders = endpointOf('orders')
    await link.provision(orders)
    await link.send(
      orders,
      Array.from({ length: 200 }, (_, index) => messageOf(String(index))),
    )
    const first = await link.receive(orders, new FakeIntake(() => 'hold'), { messages: 200, bytes: 2 ** 26 })
    await until('all', () => first.intake.deliveries.length === 200)
    const shuffled = first.intake.deliveries.map((delivery, index) => [Math.sin(index * 7), delivery] as const).toSorted((a, b) => a[0] - b[0])
    for (let from = 0; from < 180; from += 13) {
      const part = shuffled.slice(from, Math.min(180, from + 13))
      const results = await first.receiver.settle(part.map(([, delivery]) => ({ delivery, action: 'ack' })))
      expect(new Set(results)).toEqual(new Set(['accepted']))
    }
    await first.receiver.pause()
    await first.receiver.handBack()
    const second = await link.receive(orders)
    const expected = shuffled
      .slice(180)
      .map(([, delivery]) => bodyOf(delivery))
      .toSorted((a, b) => Number(a) - Number(b))
    await until('the rest', () => second.intake.deliveries.length === 20)
    await sleep(100)
    expect(second.intake.bodies).toEqual(expected)
    expect(second.intake.deliveries[0]!.brokerAttempts).toBe(2)
  })

  it('answers a second settlement, and one after the channel has gone, with too-late', async () => {
    await using link = await TestLink.open(await freshVhost(bed))
    const orders = endpointOf('orders')
    await link.provision(orders)
    await link.send(orders, [messageOf('a'), messageOf('b')])
    const { intake, receiver } = await link.receive(orders, new FakeIntake(() => 'hold'))
    await until('both', () => intake.deliveries.length === 2)
    const [a, b] = intake.deliveries
    expect(
      await receiver.settle([
        { delivery: a!, action: 'ack' },
        { delivery: a!, action: 'ack' },
      ]),
    ).toEqual(['accepted', 'too-late'])
    expect(await intake.settle(a!, { retryMs: 0 })).toBe('too-late')
    await receiver.pause()
    await receiver.handBack()
    expect(await intake.settle(b!)).toBe('too-late')
    const again = await link.receive(orders)
    await until('b again', () => again.intake.deliveries.length === 1)
    expect(again.intake.bodies).toEqual(['b'])
  })

  it('gives released messages to others, and pausing gives back what has not been handed over', async () => {
    await using link = await TestLink.open(await freshVhost(bed))
    const orders = endpointOf('orders')
    await link.provision(orders)
    const { intake, receiver } = await link.receive(orders, new FakeIntake(() => 'hold'), { messages: 5, bytes: 2 ** 26 })
    await link.send(
      orders,
      Array.from({ length: 10 }, (_, index) => messageOf(String(index))),
    )
    await until('the window', () => intake.deliveries.length === 5)
    await sleep(100)
    expect(intake.deliveries.length).toBe(5)
    await receiver.pause()
    await receiver.settle(intake.deliveries.slice(0, 2).map((delivery) => ({ delivery, action: 'release' })))
    const other = await link.receive(orders)
    await until('all but the held', () => other.intake.deliveries.length === 7)
    expect(new Set(other.intake.bodies)).toEqual(new Set(['0', '1', '5', '6', '7', '8', '9']))
    for (const delivery of intake.deliveries.slice(2)) expect(await intake.settle(delivery)).toBe('accepted')
    await receiver.resume()
    await other.receiver.pause()
    await link.send(orders, [messageOf('later')])
    await until('receiving again', () => intake.bodies.includes('later'))
  })

  it('follows a changed window', async () => {
    await using link = await TestLink.open(await freshVhost(bed))
    const orders = endpointOf('orders')
    await link.provision(orders)
    await link.send(
      orders,
      Array.from({ length: 30 }, (_, index) => messageOf(String(index))),
    )
    const { intake, receiver } = await link.receive(orders, new FakeIntake(() => 'hold'), { messages: 2, bytes: 2 ** 26 })
    await until('two', () => intake.deliveries.length === 2)
    receiver.resize({ messages: 10, bytes: 2 ** 26 })
    await until('ten', () => intake.deliveries.length === 10)
    await sleep(100)
    expect(intake.deliveries.length).toBe(10)
  })

  it('acks one message alone when no others are there to go with it', async () => {
    await using link = await TestLink.open(await freshVhost(bed))
    const orders = endpointOf('orders')
    await link.provision(orders)
    await link.send(
      orders,
      Array.from({ length: 40 }, (_, index) => messageOf(String(index))),
    )
    const { intake } = await link.receive(orders, new FakeIntake(() => 'hold'), { messages: 32, bytes: 2 ** 26 })
    await until('a full window', () => intake.deliveries.length === 32)
    // The broker sends the next one only when it has the ack.
    await intake.settle(intake.deliveries[20]!)
    await until('one more', () => intake.deliveries.length === 33)
  })

  it('writes the acks that wait for others before it closes the channel', async () => {
    await using link = await TestLink.open(await freshVhost(bed))
    const orders = endpointOf('orders', { keyed: true, options: { partitions: 1 } })
    await link.provision(orders)
    await link.send(
      orders,
      ['a', 'b', 'c'].map((body) => messageOf(body, { key: 'k' })),
    )
    const { intake, receiver } = await link.receive(orders, new FakeIntake(() => 'hold'))
    await until('all', () => intake.deliveries.length === 3)
    const settled = Promise.all([intake.settle(intake.deliveries[0]!), intake.settle(intake.deliveries[1]!)])
    await Promise.all([receiver.pause(), receiver.handBack()])
    expect(await settled).toEqual(['accepted', 'accepted'])
    const again = await link.receive(orders)
    await until('the rest', () => again.intake.deliveries.length > 0)
    expect(again.intake.bodies).toEqual(['c'])
  })

  it('hands over no more bytes than the window allows, but for one message that is larger', async () => {
    await using link = await TestLink.open(await freshVhost(bed))
    const orders = endpointOf('orders')
    await link.provision(orders)
    const sizes = [400, 400, 400, 3_000, 10, 10]
    const { intake } = await link.receive(orders, new FakeIntake(() => 'hold'), { messages: 100, bytes: 1_000 })
    await link.send(
      orders,
      sizes.map((size) => messageOf('x'.repeat(size))),
    )
    const seen: number[] = []
    for (const count of [2, 3, 4, 6]) {
      await until(`${count} deliveries`, () => intake.deliveries.length >= count)
      await sleep(50)
      seen.push(intake.deliveries.length)
      for (const delivery of intake.deliveries.slice(seen.at(-2) ?? 0)) await intake.settle(delivery)
    }
    expect(seen).toEqual([2, 3, 4, 6])
    expect(intake.bodies.map((body) => body.length)).toEqual(sizes)
  })

  it('delays no less than asked and little more, in any mixture', async () => {
    await using link = await TestLink.open(await freshVhost(bed))
    const orders = endpointOf('orders')
    await link.provision(orders)
    let sentAt = 0
    const delays = [50, 100, 300, 700, 1_500, 1_600, 3_100, 200, 100]
    const late: number[] = []
    const { intake } = await link.receive(
      orders,
      new FakeIntake((delivery) => {
        late.push(performance.now() - sentAt - Number(bodyOf(delivery)))
        return 'ack'
      }),
    )
    sentAt = performance.now()
    await link.send(
      orders,
      delays.map((delayMs) => messageOf(String(delayMs), { delayMs })),
    )
    await until('all', () => intake.deliveries.length === delays.length)
    expect(Math.min(...late)).toBeGreaterThanOrEqual(-1)
    expect(Math.max(...late)).toBeLessThan(500 + 100)
    const capabilities = await link.link.inspect(orders, never)
    expect(capabilities.delay).toEqual({ maxMs: (2 ** 28 - 1) * 100, resolutionMs: 500 })
  })

  it('says so when the ladder is missing or switched off', async () => {
    const url = await freshVhost(bed)
    await using without = await TestLink.open(url, { delays: false })
    const orders = endpointOf('orders')
    await without.provision(orders)
    expect(await without.link.inspect(orders, never)).toMatchObject({ delay: false, redelivery: { immediate: true, delayed: false } })
    await using link = await TestLink.open(url)
    expect(await link.link.inspect(orders, never)).toMatchObject({ delay: false, redelivery: { delayed: false } })
  })

  it('counts what is ready', async () => {
    await using link = await TestLink.open(await freshVhost(bed))
    const orders = endpointOf('orders')
    await link.provision(orders)
    await link.send(orders, [messageOf('a'), messageOf('b')])
    await until('the count', async () => (await link.link.stats?.(orders, never))?.ready === 2)
    expect(await link.link.stats?.(orders, never)).toEqual({ ready: 2, inFlight: undefined, delayed: undefined, oldestAgeMs: undefined })
  })

  it('names what is missing or forbidden', async () => {
    const url = await freshVhost(bed)
    await using link = await TestLink.open(url)
    expect(await errorOf(link.link.inspect(endpointOf('nope'), never))).toMatchObject({ code: 'ERR_NOT_FOUND', retryable: false })
    expect(await errorOf(link.receive(endpointOf('nope')))).toMatchObject({ code: 'ERR_NOT_FOUND' })
    const wrong = new URL(url)
    wrong.password = 'secret-word'
    const denied = await errorOf(TestLink.open(wrong.href))
    expect(denied).toMatchObject({ code: 'ERR_ACCESS_DENIED', retryable: false })
    expect(`${denied.message} ${String(denied.cause)}`).not.toContain('secret-word')
    const elsewhere = new URL(url)
    elsewhere.pathname = '/no-such-vhost'
    expect(await errorOf(TestLink.open(elsewhere.href))).toMatchObject({ code: 'ERR_NOT_FOUND' })
    expect(await errorOf(TestLink.open('amqp://127.0.0.1:1'))).toMatchObject({ code: 'ERR_UNAVAILABLE', retryable: true })
  })

  it('carries classic queues with priorities and lifetimes', async () => {
    await using link = await TestLink.open(await freshVhost(bed))
    const { deadLetterName: _dead, ...plain } = endpointOf('fast', { options: { queueType: 'classic', maxPriority: 3 } })
    await link.provision(plain)
    expect(await link.link.inspect(plain, never)).toMatchObject({
      priority: { levels: 4 },
      timeToLive: { maxMs: 2 ** 32 - 1 },
      deliveryAttempt: 'none',
      releaseCounts: false,
    })
    await link.send(plain, [messageOf('low', { priority: 0 }), messageOf('high', { priority: 3 }), messageOf('gone', { timeToLiveMs: 1 })])
    await sleep(50)
    const { intake } = await link.receive(plain, new FakeIntake(), { messages: 1, bytes: 2 ** 26 })
    await until('both', () => intake.deliveries.length === 2)
    await sleep(100)
    expect(intake.bodies).toEqual(['high', 'low'])
    expect(intake.deliveries[0]!.brokerAttempts).toBeUndefined()
  })
})
