import { amqp } from '@busbar/amqp'
import { createBroker, queue, text, type Broker } from '@busbar/core'
import { expect, it } from 'vitest'
import { onEachRabbitmq } from './support/beds.ts'
import { until } from './support/intake.ts'
import { Load } from './support/load.ts'
import { OrderWatch } from './support/order.ts'

const orders = queue<string>('orders', { codec: text, orderingKey: (body) => body.split(':')[0] ?? '' })

function brokerAt(url: string): Broker {
  return createBroker({
    driver: amqp({ url, delays: false, partitions: 4, rebalanceMs: 200, reconnectMaxMs: 500, timeoutMs: 2_000 }),
    destinations: [orders],
    provision: 'create',
    log: () => undefined,
  })
}

await onEachRabbitmq({ own: true }, (bed) => {
  it('loses no confirmed message and keeps the order of every key when the broker is killed', async () => {
    const setup = brokerAt(bed.url)
    await setup.start()
    await setup.drain()
    // RabbitMQ writes definitions to disk by and by, and a queue declared just before a kill can be gone: here they are old, as in production.
    await bed.stop()
    await bed.start()
    const [a, b] = [brokerAt(bed.url), brokerAt(bed.url)] as const
    const watch = new OrderWatch()
    for (const [name, broker] of [
      ['a', a],
      ['b', b],
    ] as const) {
      await broker.consume(
        orders,
        watch.handler(name, () => Math.random() * 4),
        { concurrency: 8, maxInFlight: 32 },
      )
    }
    const load = new Load(a.producer(orders))
    for (let kill = 0; kill < 2; kill++) {
      const [confirmed, seen] = [load.confirmed.size, watch.seen.size]
      await until('load in both directions', () => load.confirmed.size > confirmed + 500 && watch.seen.size > seen + 200 && load.unconfirmed > 0, 20_000)
      await bed.kill()
      await bed.start()
    }
    const confirmed = load.confirmed.size
    await until('confirms after the last start', () => load.confirmed.size > confirmed + 500, 20_000)
    const sent = await load.stop()
    expect(load.failures).toEqual([])
    expect(load.confirmed.size).toBe(sent)
    await until('every confirmed message', () => [...load.confirmed].every((body) => watch.seen.has(body)), 20_000)
    // A handler that runs on after its connection was lost overlaps with the next one: that is what its signal is for.
    expect(watch.violations.filter((violation) => violation.includes('is due'))).toEqual([])
    // The kills hit messages that were being handled, in both processes.
    expect(watch.repeats).toBeGreaterThan(0)
    for (const name of ['a', 'b']) expect(watch.handledBy.get(name) ?? 0, name).toBeGreaterThan(100)
    await Promise.all([a.drain(), b.drain()])
  })
})
