import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { FakeIntake, until } from '../../amqp/support/intake.ts'
import { messageOf } from '../../amqp/support/link.ts'
import { messages, sendAll } from '../../amqp/support/sending.ts'
import { accessTo, freshTopic, wide } from './access.ts'
import type { Spoken } from './beds.ts'

/** So that faults find something to break. */
const pauseMs = 20

/** Connections are cut, and the broker is stopped or killed. */
export function lostConnections(spoken: Spoken): void {
  const { bed, durable } = spoken
  const { open, proxied } = accessTo(spoken)

  it('loses nothing when connections are cut, reset or cut inside a packet while it sends and receives', async () => {
    await using proxy = await proxied()
    await using link = await open(proxy.through(bed.url))
    const { topic, subscription } = freshTopic()
    await link.provision(topic, subscription)
    const { intake } = await link.receive(subscription, new FakeIntake(), wide)
    const all = messages(2_000)
    const sending = sendAll(link.sender(topic), all, pauseMs)
    for (const fault of ['cut', 'reset', 'bytes', 'cut', 'bytes', 'reset'] as const) {
      // A fault that comes before the last one is mended finds nothing to break.
      const received = intake.deliveries.length
      await until('messages after the last fault', () => new Set(intake.bodies).size === all.length || intake.deliveries.length > received)
      await sleep(50)
      if (fault === 'bytes') await Promise.race([proxy.cutAfterBytes(5_000), sleep(500)])
      else proxy[fault]()
    }
    await sending
    await until('everything', () => new Set(intake.bodies).size === all.length, 20_000)
    expect(intake.lostScopes.length).toBeGreaterThan(1)
    expect(intake.failures.filter(({ fatal }) => fatal)).toEqual([])
  })

  it(`loses nothing that was confirmed when the broker is ${durable ? 'killed' : 'stopped cleanly'} and started`, async () => {
    await using link = await open()
    const { topic, subscription } = freshTopic()
    await link.provision(topic, subscription)
    const { intake } = await link.receive(subscription, new FakeIntake(), wide)
    const all = messages(1_000)
    const sending = sendAll(link.sender(topic), all, pauseMs)
    // Further kills are in kills-under-load.ts.
    for (let time = 0; time < (durable ? 1 : 2); time++) {
      const received = intake.deliveries.length
      await until('load', () => intake.deliveries.length > received + 100)
      await (durable ? bed.kill() : bed.stop())
      await bed.start()
    }
    await sending
    await until('everything', () => new Set(intake.bodies).size === all.length, 20_000)
    expect(intake.lostScopes.length).toBeGreaterThanOrEqual(durable ? 1 : 2)
    await until('the connection', () => link.link.health().state === 'connected')
  })

  it('settles no other message by acks that come too late', async () => {
    await using proxy = await proxied()
    await using link = await open(proxy.through(bed.url))
    const { topic, subscription } = freshTopic()
    await link.provision(topic, subscription)
    const holding = new FakeIntake(() => 'hold')
    const { intake } = await link.receive(subscription, holding, wide)
    await link.send(topic, messages(8))
    await until('all', () => intake.deliveries.length === 8)
    const held = [...intake.deliveries]
    for (const delivery of held.slice(0, 3)) expect(await intake.settle(delivery)).toBe('accepted')
    // Acks wait some milliseconds for others; then they go out in front of what this asks for.
    await sleep(100)
    await link.send(topic, [messageOf('8')])
    await until('the ninth', () => intake.deliveries.length === 9)
    proxy.cut()
    await until('the redelivery', () => intake.deliveries.length === 15)
    expect(intake.bodies.slice(9)).toEqual(['3', '4', '5', '6', '7', '8'])
    // Their packet identifiers are in use again, by some brokers for other messages.
    for (const delivery of held) expect(await intake.settle(delivery)).toBe('too-late')
    proxy.cut()
    await until('the second redelivery', () => intake.deliveries.length === 21)
    expect(intake.bodies.slice(15)).toEqual(['3', '4', '5', '6', '7', '8'])
  })
}
