import { amqp } from '@busbar/amqp'
import { expect, it } from 'vitest'
import { freshVhost, onEachRabbitmq } from './support/beds.ts'
import { bodyOf, FakeIntake, until } from './support/intake.ts'
import { endpointOf, messageOf, never, services } from './support/link.ts'

await onEachRabbitmq({}, (bed) => {
  it('meters what is declared, published, consumed, acked and given back', async () => {
    const counts = new Map<string, number>()
    const meter = (call: string, count: number): void => void counts.set(call, (counts.get(call) ?? 0) + count)
    const link = await amqp({ url: await freshVhost(bed), delays: false }).connect({ ...services, meter }, never)
    expect(counts.get('connection.open')).toBe(2)

    const news = endpointOf('news', { kind: 'topic', subscription: { name: 'audit' }, options: { exchangeType: 'fanout' } })
    await link.topology?.apply([news], [], never)
    // Each is looked for and then made; the place for dead letters is a queue too.
    expect([counts.get('queue.declare'), counts.get('exchange.declare'), counts.get('queue.bind')]).toEqual([4, 2, 1])

    const intake = new FakeIntake((delivery) => (bodyOf(delivery) === 'keep' ? 'hold' : 'ack'))
    if (link.receiver === false) throw new TypeError('no receiver')
    const receiver = (intake.receiver = link.receiver(news, intake, { messages: 32, bytes: 2 ** 20 }))
    await receiver.start()
    expect([counts.get('basic.consume'), counts.get('basic.qos')]).toEqual([1, 1])

    const sender = link.sender(endpointOf('news', { kind: 'topic', options: { exchangeType: 'fanout' } }))
    await sender.send([messageOf('first')], never)
    await until('the first ack', () => counts.get('basic.ack') === 1)
    await sender.send([messageOf('keep')], never)
    await until('what is held', () => intake.bodies.includes('keep'))
    const held = intake.deliveries.at(-1)
    if (held !== undefined) await receiver.settle([{ delivery: held, action: 'release' }])
    expect([counts.get('basic.publish'), counts.get('basic.ack'), counts.get('basic.nack')]).toEqual([2, 1, 1])

    await receiver.pause()
    await receiver.handBack()
    expect(counts.get('basic.cancel')).toBe(1)
    await sender.close()
    await link.close()
  })
})
