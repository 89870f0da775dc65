import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { FakeIntake, until } from '../../amqp/support/intake.ts'
import { messageOf } from '../../amqp/support/link.ts'
import { messages, sendWhile } from '../../amqp/support/sending.ts'
import { accessTo, freshTopic, wide } from './access.ts'
import type { Spoken } from './beds.ts'

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
    let striking = true
    const sending = sendWhile(link.sender(topic), () => striking)
    await until('load', () => intake.deliveries.length > 0)
    for (const fault of ['cut', 'reset', 'bytes', 'cut', 'bytes', 'reset'] as const) {
      const [accepted, lost] = [proxy.accepted, intake.lostScopes.length]
      if (fault === 'bytes') await proxy.cutAfterBytes(5_000)
      else proxy[fault]()
      // One that comes before the last one is mended finds nothing to break. Inside a packet it strikes one of the connections, and not always the one that receives.
      await until(`the loss by ${fault}`, () => proxy.accepted > accepted && (fault === 'bytes' || intake.lostScopes.length > lost))
      await until('the connection', () => link.link.health().state === 'connected')
      const received = intake.deliveries.length
      await until('messages after it', () => intake.deliveries.length > received)
    }
    striking = false
    const count = await sending
    await until('everything', () => new Set(intake.bodies).size === count, 20_000)
    expect(intake.lostScopes.length).toBeGreaterThanOrEqual(4)
    expect(intake.failures.filter(({ fatal }) => fatal)).toEqual([])
  })

  it(`loses nothing that was confirmed when the broker is ${durable ? 'killed' : 'stopped cleanly'} and started`, async () => {
    await using link = await open()
    const { topic, subscription } = freshTopic()
    await link.provision(topic, subscription)
    const { intake } = await link.receive(subscription, new FakeIntake(), wide)
    let striking = true
    const sending = sendWhile(link.sender(topic), () => striking)
    // Further kills are in kills-under-load.ts.
    const times = durable ? 1 : 2
    for (let time = 0; time < times; time++) {
      const received = intake.deliveries.length
      await until('load', () => intake.deliveries.length > received + 100)
      await (durable ? bed.kill() : bed.stop())
      await bed.start()
    }
    striking = false
    const count = await sending
    await until('everything', () => new Set(intake.bodies).size === count, 20_000)
    expect(intake.lostScopes.length).toBeGreaterThanOrEqual(times)
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
