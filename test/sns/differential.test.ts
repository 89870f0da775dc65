import { createBroker, text, topic, type Broker, type Topic } from '@busbar/core'
import type { Driver } from '@busbar/core/driver'
import { memory } from '@busbar/memory'
import { sns } from '@busbar/sns'
import * as fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { startAwsWire } from '../brokers/aws-wire/index.ts'
import { startFauxqs } from '../brokers/fauxqs.ts'
import { accountId } from './support/bed.ts'

const wire = await startAwsWire()
const fauxqs = await startFauxqs()
afterAll(async () => {
  await wire[Symbol.asyncDispose]()
  await fauxqs[Symbol.asyncDispose]()
})

const overWire = ({ endpoint, region, credentials }: Pick<typeof fauxqs, 'endpoint' | 'region' | 'credentials'>): Driver =>
  sns({ endpoint, region, credentials, accountId, waitTimeMs: 1_000 })

const beds: Readonly<Record<'memory' | 'wire' | 'fauxqs', () => Driver>> = {
  memory: () => memory({ profile: 'sns' }),
  wire: () => overWire(wire),
  fauxqs: () => overWire(fauxqs),
}

interface Planned {
  readonly key: string | undefined
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  /** Its handlers fail so often first. */
  readonly failures: number
}

/** What a subscription was given, by key: bodies with their headers, in order where there is one. */
type Seen = Readonly<Record<string, readonly string[]>>

let topics = 0

/** Publishes all, lets two subscriptions handle it, one of them with a filter. */
async function handled(driver: Driver, name: string, keyed: boolean, plan: readonly Planned[]): Promise<Readonly<Record<string, Seen>>> {
  const keys = new Map<string, string | undefined>()
  const events: Topic<string, string> = topic(name, { codec: text, ...(keyed && { orderingKey: (body: string) => keys.get(body) ?? 'none' }) })
  const subscriptions = [events.subscription('all'), events.subscription('some', { headerFilter: { kind: ['a', 'b'] } })]
  await using broker: Broker = createBroker({
    driver,
    destinations: [events, ...subscriptions],
    provision: 'create',
    routes: { [name]: { deadLetter: 'drop' } },
    log: () => undefined,
  })
  const seen: Record<string, Record<string, string[]>> = {}
  for (const subscription of subscriptions) {
    const bySubscription: Record<string, string[]> = (seen[subscription.name] = {})
    await broker.consume(subscription, (message) => {
      if (message.attempt <= Number(message.headers['failures'])) throw new Error('not yet')
      const { failures: _, ...headers } = message.headers
      ;(bySubscription[keys.get(message.body) ?? 'none'] ??= []).push(`${message.body} ${JSON.stringify(Object.entries(headers).toSorted(byName))}`)
    })
  }
  for (const [index, { key, body }] of plan.entries()) keys.set(`${index} ${body}`, key)
  for (const [index, { body, headers, failures }] of plan.entries())
    await broker.producer(events).send(`${index} ${body}`, { headers: { ...headers, failures: String(failures) } })
  await broker.idle()
  return Object.fromEntries(Object.entries(seen).map(([subscription, byKey]) => [subscription, keyed ? byKey : sorted(byKey)]))
}

function byName([one]: readonly [string, string], [other]: readonly [string, string]): number {
  return one < other ? -1 : 1
}

/** A standard topic promises no order. */
function sorted(byKey: Readonly<Record<string, string[]>>): Seen {
  return Object.fromEntries(Object.entries(byKey).map(([key, messages]) => [key, messages.toSorted()]))
}

const letters = fc.string({ unit: fc.integer({ min: 32, max: 0xd7_ff }).map((code) => String.fromCodePoint(code)), maxLength: 30 })
const plans: fc.Arbitrary<Planned[]> = fc.array(
  fc.record({
    key: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined, freq: 4 }),
    body: letters,
    headers: fc
      .tuple(fc.dictionary(fc.constantFrom(...Array.from({ length: 11 }, (_, index) => `h-${index}`)), letters), fc.constantFrom('a', 'b', 'c', undefined))
      // No empty one, and no odd one: attributes of SNS cannot be those, and the driver refuses them where it is filtered by them.
      .map(([headers, kind]) => (kind === undefined ? headers : { ...headers, kind })),
    failures: fc.constantFrom(0, 0, 0, 1),
  }),
  { minLength: 16, maxLength: 16 },
)

/** Bounded: two plans a kind. A failure names its seed. */
const runs = { numRuns: 2, endOnFailure: true, seed: 20_261_127 }

describe.concurrent.each([false, true])('the SNS profile in memory, the driver over the wire, and on fauxqs (FIFO: %s)', (keyed) => {
  it('give the same random messages to the same subscriptions, in the same order of each key', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const name = `differential-${++topics}${keyed ? '.fifo' : ''}`
        const run = (bed: keyof typeof beds): ReturnType<typeof handled> => handled(beds[bed](), name, keyed, plan)
        const [expected, simulated, emulated] = await Promise.all([run('memory'), run('wire'), run('fauxqs')])
        expect(Object.values(expected['all'] ?? {}).flat()).toHaveLength(plan.length)
        expect(simulated).toEqual(expected)
        expect(emulated).toEqual(expected)
      }),
      runs,
    )
  }, 40_000)
})
