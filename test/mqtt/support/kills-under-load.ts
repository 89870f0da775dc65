import { createBroker, text, topic, type Broker } from '@busbar/core'
import { mqtt } from '@busbar/mqtt'
import { expect, it } from 'vitest'
import { until } from '../../amqp/support/intake.ts'
import { Load } from '../../amqp/support/load.ts'
import { OrderWatch } from '../../amqp/support/order.ts'
import type { Spoken } from './beds.ts'

const positions = topic('positions', { codec: text, orderingKey: (body) => body.split(':')[0] ?? '' })
const [left, right] = [positions.subscription('left'), positions.subscription('right')]

function brokerAt(url: string): Broker {
  return createBroker({
    driver: mqtt({ url, protocolVersion: 4, reconnectMaxMs: 500, timeoutMs: 2_000 }),
    destinations: [positions, left, right],
    // Bodies alone have no id to tell copies by.
    routes: { positions: { options: { envelope: true } } },
    provision: 'create',
    log: () => undefined,
  })
}

/** Of a broker that keeps what it has confirmed. */
export function killsUnderLoad({ bed }: Spoken): void {
  it('loses no confirmed message for either subscription, and keeps the order of every key, when it is killed', async () => {
    await using broker = brokerAt(bed.url)
    const watches = { left: new OrderWatch(), right: new OrderWatch() }
    for (const [subscription, watch] of [
      [left, watches.left],
      [right, watches.right],
    ] as const)
      await broker.consume(
        subscription,
        watch.handler('here', () => Math.random() * 4),
        { concurrency: 8, maxInFlight: 32 },
      )
    const load = new Load(broker.producer(positions))
    for (let time = 0; time < 2; time++) {
      const [confirmed, seen] = [load.confirmed.size, watches.left.seen.size]
      await until('load in both directions', () => load.confirmed.size > confirmed + 200 && watches.left.seen.size > seen + 200 && load.unconfirmed > 0, 20_000)
      await bed.kill()
      await bed.start()
    }
    const confirmed = load.confirmed.size
    await until('confirms after the last start', () => load.confirmed.size > confirmed + 200, 20_000)
    const sent = await load.stop()
    expect(load.failures).toEqual([])
    expect(load.confirmed.size).toBe(sent)
    for (const [name, watch] of Object.entries(watches)) {
      await until(`every confirmed message for ${name}`, () => [...load.confirmed].every((body) => watch.seen.has(body)), 20_000)
      // A handler that runs on after its connection was lost overlaps with the next one: that is what its signal is for.
      expect(watch.violations.filter((violation) => violation.includes('is due'))).toEqual([])
    }
    // The kills hit messages that were being handled.
    expect(watches.left.repeats + watches.right.repeats).toBeGreaterThan(0)
  })
}
