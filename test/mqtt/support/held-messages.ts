import { setTimeout as sleep } from 'node:timers/promises'
import { mqtt } from '@busbar/mqtt'
import { expect, it } from 'vitest'
import { FakeIntake, until } from '../../amqp/support/intake.ts'
import { endpointOf, messageOf, TestLink } from '../../amqp/support/link.ts'
import { freshName } from './access.ts'
import { freshOptions, type Spoken } from './beds.ts'

const keepaliveMs = 2_000

/** All handlers that may run wait. */
export function heldMessages({ bed, protocolVersion, durable }: Spoken): void {
  it('keeps its connection and its order while handlers hold all that the window allows, longer than keepalive, before a long backlog', async () => {
    await using link = await TestLink.over(mqtt({ url: bed.url, protocolVersion, keepaliveMs, timeoutMs: 2_000, ...freshOptions() }))
    const topic = endpointOf(freshName(), { kind: 'topic' })
    const subscription = { ...topic, subscription: { name: 's' } }
    await link.provision(topic, subscription)
    // What is written to disk takes its time.
    const count = durable ? 1_000 : 3_000
    await link.send(
      topic,
      Array.from({ length: count }, (_, index) => messageOf(String(index).padEnd(1_000))),
    )
    let free = false
    const holding = new FakeIntake(() => (free ? 'ack' : 'hold'))
    const { intake } = await link.receive(subscription, holding, { messages: 10, bytes: 2 ** 26 })
    await until('a full window', () => intake.deliveries.length === 10)
    // Brokers give up who is silent after one and a half times that, and some look for it every half.
    await sleep(2.5 * keepaliveMs)
    expect({ held: intake.deliveries.length, lost: intake.lostScopes, failures: intake.failures }).toEqual({ held: 10, lost: [], failures: [] })
    free = true
    for (const delivery of intake.deliveries.slice(0, 10)) expect(await intake.settle(delivery)).toBe('accepted')
    await until('everything', () => intake.deliveries.length >= count)
    expect(intake.bodies.map(Number)).toEqual(Array.from({ length: count }, (_, index) => index))
    expect(intake.lostScopes).toEqual([])
  })
}
