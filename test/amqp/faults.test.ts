import { setTimeout as sleep } from 'node:timers/promises'
import * as raw from 'amqplib'
import { expect, it } from 'vitest'
import { startProxy } from '../brokers/index.ts'
import { freshVhost, onEachRabbitmq } from './support/beds.ts'
import { FakeIntake, until } from './support/intake.ts'
import { endpointOf, messageOf, never, sendSurely, TestLink } from './support/link.ts'
import { messages, sendAll } from './support/sending.ts'

const orders = endpointOf('orders')

// Tests do not wait for three minutes, after which the broker by itself goes on with delayed messages that a kill has stopped.
await onEachRabbitmq({ own: true, consumerTimeoutMs: 3_000, movedAgainMs: 5_000 }, (bed) => {
  const fast = { heartbeatMs: 1_000, reconnectMaxMs: 500, timeoutMs: 2_000 }

  it('loses nothing when connections are cut, reset or cut inside a frame while it sends and receives', async () => {
    const url = await freshVhost(bed)
    await using proxy = await startProxy(Number(new URL(url).port))
    await using link = await TestLink.open(proxy.through(url), fast)
    await link.provision(orders)
    const { intake } = await link.receive(orders, new FakeIntake(), { messages: 100, bytes: 2 ** 26 })
    const sender = link.sender(orders)
    const sent = new Set<string>()
    const enough = new AbortController()
    const send = async (): Promise<void> => {
      while (!enough.signal.aborted) {
        const some = messages(200, sent.size)
        for (const { body } of some) sent.add(String(body))
        await sendAll(sender, some)
      }
    }
    const sending = send()
    for (const fault of ['cut', 'reset', 'bytes', 'cut', 'bytes', 'reset'] as const) {
      // A fault that comes before the last one is mended, in both directions, finds nothing to break.
      const next = String(sent.size)
      await until('messages that were sent after the last fault', () => intake.bodies.includes(next))
      await sleep(150)
      if (fault === 'bytes') await proxy.cutAfterBytes(20_000)
      else proxy[fault]()
    }
    enough.abort()
    await sending
    await until('everything', () => new Set(intake.bodies).size === sent.size, 20_000)
    // A cut inside a frame is one of the sending connection.
    expect(intake.lostScopes.length).toBeGreaterThanOrEqual(4)
    expect(intake.failures.filter(({ fatal }) => fatal)).toEqual([])
  })

  it('loses nothing, delayed messages included, when the broker is killed', async () => {
    await using link = await TestLink.open(bed.url, fast)
    const killed = endpointOf('killed')
    await link.provision(killed)
    // RabbitMQ writes definitions to disk by and by, and a queue declared just before a kill can be gone: here they are old, as in production.
    await bed.stop()
    await bed.start()
    await until('the connection', () => link.link.health().state === 'connected', 20_000)
    const { intake } = await link.receive(killed, new FakeIntake(), { messages: 100, bytes: 2 ** 26 })
    const all = messages(3_000).map((message, index) => ({ ...message, delayMs: index % 3 === 0 ? 500 + (index % 7) * 400 : undefined }))
    const sending = sendAll(link.sender(killed), all)
    for (let kill = 0; kill < 2; kill++) {
      await sleep(700)
      await bed.kill()
      await bed.start()
    }
    await sending
    await until('everything', () => new Set(intake.bodies).size === all.length, 40_000)
    expect(link.link.health()).toEqual({ state: 'connected' })
  }, 120_000)

  it('notices a half-open link by heartbeat, and goes on', async () => {
    const url = await freshVhost(bed)
    await using proxy = await startProxy(Number(new URL(url).port))
    await using link = await TestLink.open(proxy.through(url), fast)
    await link.provision(orders)
    const { intake } = await link.receive(orders)
    const sender = link.sender(orders)
    await sendSurely(sender, [messageOf('before')])
    proxy.freeze('both')
    const [stuck] = await sender.send([messageOf('stuck')], never)
    expect(stuck).toMatchObject({ ok: false, stored: 'unknown', error: { code: 'ERR_UNCONFIRMED', retryable: true } })
    expect(sender.writable).toBe(false)
    expect(await sender.send([messageOf('while down')], never)).toMatchObject([{ ok: false, stored: 'no', error: { retryable: true } }])
    const writable = new Promise<void>((resolve) => (sender.onWritable = resolve))
    proxy.thaw()
    await writable
    expect(sender.writable).toBe(true)
    await sendSurely(sender, [messageOf('after')])
    await until('the last', () => intake.bodies.includes('after'))
  })

  it('closes in bounded time on a frozen link', async () => {
    const url = await freshVhost(bed)
    const proxy = await startProxy(Number(new URL(url).port))
    const link = await TestLink.open(proxy.through(url), { timeoutMs: 500 })
    await link.provision(orders)
    await link.receive(orders)
    proxy.freeze('both')
    const began = performance.now()
    await link[Symbol.asyncDispose]()
    expect(performance.now() - began).toBeLessThan(3_000)
    await proxy.close()
  })

  it('fails over to the next address', async () => {
    const url = await freshVhost(bed)
    const port = Number(new URL(url).port)
    await using first = await startProxy(port)
    await using second = await startProxy(port)
    await using link = await TestLink.open([first.through(url), second.through(url)], fast)
    await link.provision(orders)
    const { intake } = await link.receive(orders)
    expect(second.accepted).toBe(0)
    first.refuse(true)
    first.cut()
    await until('the second address', () => second.connections >= 2 && link.link.health().state === 'connected')
    await sendSurely(link.sender(orders), [messageOf('over')])
    await until('the message', () => intake.bodies.includes('over'))
  })

  it('is not writable while the broker blocks publishers, consumes on, and then sends what was handed over', async () => {
    await using link = await TestLink.open(bed.url, fast)
    const blocked = endpointOf('blocked')
    await link.provision(blocked)
    const { intake } = await link.receive(blocked)
    const sender = link.sender(blocked)
    await sendSurely(sender, [messageOf('before')])
    await until('before', () => intake.bodies.includes('before'))
    await bed.setMemoryAlarm(true)
    try {
      const handedOver = sender.send([messageOf('handed over')], never)
      await until('the block', () => !sender.writable)
      expect(await link.link.stats?.(blocked, never)).toMatchObject({ ready: 0 })
      expect(link.sender(blocked).writable).toBe(false)
      const writable = new Promise<void>((resolve) => (sender.onWritable = resolve))
      await bed.setMemoryAlarm(false)
      await writable
      expect(await handedOver).toEqual([{ ok: true }])
    } finally {
      await bed.setMemoryAlarm(false)
    }
    await until('what was handed over', () => intake.bodies.includes('handed over'))
  })

  it('keeps what others have handed over when a sender is closed while the broker blocks, which answers to nothing then', async () => {
    await using link = await TestLink.open(bed.url, fast)
    const closing = endpointOf('closing')
    await link.provision(closing)
    const [sender, other] = [link.sender(closing), link.sender(closing)]
    for (const each of [sender, other]) await sendSurely(each, [messageOf('before')])
    await bed.setMemoryAlarm(true)
    try {
      const handedOver = sender.send([messageOf('handed over')], never)
      await until('the block', () => !sender.writable)
      await other.close()
      await bed.setMemoryAlarm(false)
      expect(await handedOver).toEqual([{ ok: true }])
    } finally {
      await bed.setMemoryAlarm(false)
    }
  })

  it('says that a scope is lost at the consumer timeout, and receives again', async () => {
    await using link = await TestLink.open(await freshVhost(bed), fast)
    await link.provision(orders)
    const { intake } = await link.receive(orders, new FakeIntake(() => 'hold'))
    await link.send(orders, [messageOf('slow')])
    await until('the loss', () => intake.lostScopes.length === 1, 15_000)
    expect(intake.lostScopes[0]!.reason).toMatchObject({ code: 'ERR_TOO_LATE' })
    expect(intake.failures).toMatchObject([{ fatal: false, error: { code: 'ERR_TOO_LATE' } }])
    await until('the redelivery', () => intake.deliveries.length === 2)
    expect(await intake.settle(intake.deliveries[0]!)).toBe('too-late')
    expect(await intake.settle(intake.deliveries[1]!)).toBe('accepted')
    expect(intake.deliveries[1]!.brokerAttempts).toBe(2)
  })

  it('waits for a deleted queue to come back, if it has not made it', async () => {
    const url = await freshVhost(bed)
    await using owner = await TestLink.open(url, fast)
    await owner.provision(orders)
    await using link = await TestLink.open(url, fast)
    const { intake } = await link.receive(orders)
    const connection = await raw.connect(url)
    const channel = await connection.createChannel()
    await channel.deleteQueue('orders')
    await until('the report', () => intake.failures.length >= 2)
    expect(intake.failures.every(({ error, fatal }) => error.code === 'ERR_NOT_FOUND' && !fatal)).toBe(true)
    const sender = link.sender(orders)
    expect(await sender.send([messageOf('nowhere')], never)).toMatchObject([{ ok: false, stored: 'no', error: { code: 'ERR_UNROUTABLE' } }])
    expect(intake.recoveries).toBe(0)
    await owner.provision(orders)
    await sendSurely(sender, [messageOf('back')])
    await until('the message', () => intake.bodies.includes('back'), 20_000)
    expect(intake.recoveries).toBe(1)
    await connection.close()
  })

  it('reports a deleted exchange as missing and recovers', async () => {
    const url = await freshVhost(bed)
    await using owner = await TestLink.open(url, fast)
    const news = endpointOf('news', { kind: 'topic' })
    await owner.provision(news)
    await using link = await TestLink.open(url, fast)
    const sender = link.sender(news)
    await sendSurely(sender, [messageOf('one')])
    const connection = await raw.connect(url)
    const channel = await connection.createChannel()
    await channel.deleteExchange('news')
    expect(await sender.send([messageOf('two')], never)).toMatchObject([{ ok: false, stored: 'unknown', error: { code: 'ERR_NOT_FOUND', retryable: false } }])
    await owner.provision(news)
    await until('the channel', () => sender.writable)
    await sendSurely(sender, [messageOf('three')])
    await connection.close()
  })

  it('moves what exceeds the delivery limit to the dead-letter queue', async () => {
    await using link = await TestLink.open(await freshVhost(bed), fast)
    const looping = endpointOf('looping', { maxAttempts: 0, options: { deliveryLimit: 2 } })
    await link.provision(looping)
    await link.send(looping, [messageOf('poison')])
    const { intake, receiver } = await link.receive(looping, new FakeIntake(() => 'hold'))
    for (let count = 1; count <= 3; count++) {
      await until(`delivery ${count}`, () => intake.deliveries.length === count)
      expect(intake.deliveries[count - 1]!.brokerAttempts).toBe(count)
      await receiver.settle([{ delivery: intake.deliveries[count - 1]!, action: 'release' }])
    }
    const dead = await link.receive(endpointOf('looping.dead'))
    await until('the dead letter', () => dead.intake.deliveries.length === 1)
    expect({ ...dead.intake.deliveries[0]!.incoming.headers }).toEqual({})
  })
})
