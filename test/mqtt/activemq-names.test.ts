import { setTimeout as sleep } from 'node:timers/promises'
import type { Endpoint } from '@busbar/core/driver'
import { mqtt } from '@busbar/mqtt'
import { afterAll, describe, expect, it } from 'vitest'
import { until } from '../amqp/support/intake.ts'
import { endpointOf, messageOf, TestLink } from '../amqp/support/link.ts'
import { skipOrFail, startActivemq } from '../brokers/index.ts'
import { freshOptions } from './support/beds.ts'

const bed = skipOrFail(await startActivemq())
afterAll(() => bed?.[Symbol.asyncDispose](), 30_000)

let bases = 0

/** Sends to a topic, and to the one that a reader of its name might take it for; what arrives at a subscription of each. */
async function delivered(name: (base: string) => string, other: (base: string) => string): Promise<readonly (readonly string[])[]> {
  const base = `n${bases++}`
  const topics = [name(base), other(base)].map((each) => endpointOf(each, { kind: 'topic' }))
  await using link = await TestLink.over(mqtt({ url: bed?.url ?? '', protocolVersion: 4, ...freshOptions() }))
  const subscriptions = topics.map((topic): Endpoint => ({ ...topic, subscription: { name: 's' } }))
  await link.provision(...topics, ...subscriptions)
  const started = await Promise.all(subscriptions.map((subscription) => link.receive(subscription)))
  for (const [index, topic] of topics.entries()) await link.send(topic, [messageOf(['mine', 'other'][index] ?? '')])
  await until('each its own', () => started[0]?.intake.bodies.includes('mine') === true && started[1]?.intake.bodies.includes('other') === true)
  await sleep(200)
  return started.map(({ intake }) => [...new Set(intake.bodies)].toSorted())
}

describe.skipIf(bed === undefined)('names of topics on ActiveMQ, which turns / into . and . into /', { timeout: 60_000 }, () => {
  it.concurrent.each(['.1', '/b.c', '.b/c', '/*', '/>', ' b', '/é', '//1', '/1/', ':b', '%2Fb'])('keeps base%s apart from what is like it', async (rest) => {
    expect(
      await delivered(
        (base) => `${base}${rest}`,
        (base) => `${base}/1`,
      ),
    ).toEqual([['mine'], ['other']])
  })

  // For these values of parameters are refused: see the tests of filling.
  it.concurrent.each([
    ['a blank at the end, which it cuts off', ' '],
    ['a comma, which is a list of topics to it', ',x'],
    ['a question mark, which begins options to it', '?x=1'],
  ])('does not keep apart names with %s', async (_, rest) => {
    expect(
      await delivered(
        (base) => `${base}${rest}`,
        (base) => base,
      ),
    ).toEqual([
      ['mine', 'other'],
      ['mine', 'other'],
    ])
  })
})
