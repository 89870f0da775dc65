import { stream, topic, type Broker, type Filter, type HeaderFilter, type Stream, type Subscription, type Topic } from '@busbar/core'
import type { EndpointSubscription } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { checkSameMembers } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import { headersOf } from '../kit/messages.ts'
import { expectRefusal } from '../kit/refusal.ts'

const policies = [
  { kind: 'placed', totalCents: 5_000, country: 'AT' },
  { kind: 'placed', totalCents: 15_000, country: 'DE' },
  { kind: 'cancelled', totalCents: 20_000, country: 'DE' },
  { kind: 'placed', totalCents: 10_000, country: 'FR', customer: { tier: 'gold' } },
]

const bodyFilters: readonly { readonly filter: Filter; readonly matches: readonly number[] }[] = [
  { filter: { totalCents: [{ numeric: ['>=', 10_000] }] }, matches: [1, 2, 3] },
  { filter: { kind: ['placed'], country: ['DE', 'FR'] }, matches: [1, 3] },
  { filter: { kind: [{ 'anything-but': 'placed' }] }, matches: [2] },
  { filter: { customer: { tier: [{ prefix: 'go' }] } }, matches: [3] },
  { filter: { customer: { tier: [{ exists: false }] } }, matches: [0, 1, 2] },
]

const filter: ContractCase = {
  id: 'topics/filter',
  title: 'a native filter lets through exactly the bodies that match',
  examines: ['filter'],
  kills: ['filter-ignored', 'filter-drops-all', 'filter-inverted', 'filter-claimed'],
  kinds: ['topic', 'stream'],
  applies: (capabilities) => capabilities.filter === 'native',
  async run(context) {
    for (const { filter: wanted, matches } of bodyFilters) {
      if (!isNative(context, { filter: wanted }, 'filter')) continue
      const place = await context.place({ subscription: { filter: wanted } })
      const session = await context.connect()
      const inbox = await session.receive(place, { react: () => 'ack' })
      await session.send(
        place,
        policies.map((order) => ({ body: JSON.stringify(order), contentType: 'application/json' })),
      )
      const expected = matches.map((index) => JSON.stringify(policies[index]))
      await context.waiting.eventually(() => inbox.has(expected), `what matches ${JSON.stringify(wanted)} arrives`, context.harness.bounds.arrivalMs)
      await context.waiting.until(context.now + context.harness.bounds.quietMs)
      checkSameMembers(inbox.texts(), expected, `filter ${JSON.stringify(wanted)}`)
      await session.close()
    }
  },
}

const headerFilters: readonly { readonly headerFilter: HeaderFilter; readonly matches: readonly string[] }[] = [
  { headerFilter: { tenant: ['acme'] }, matches: ['a'] },
  { headerFilter: { tenant: [{ 'anything-but': ['acme'] }] }, matches: ['b'] },
  { headerFilter: { tenant: [{ exists: false }] }, matches: ['c'] },
  { headerFilter: { tenant: [{ prefix: 'a' }, 'other'] }, matches: ['a', 'b'] },
  // A word of RabbitMQ's bindings.
  { headerFilter: { 'x-match': ['any'] }, matches: ['a'] },
]

const headerFilterSamples = [
  { body: 'a', headers: headersOf({ tenant: 'acme', 'x-match': 'any' }) },
  { body: 'b', headers: headersOf({ tenant: 'other', 'x-match': 'all' }) },
  { body: 'c' },
]

const headerFilter: ContractCase = {
  id: 'topics/header-filter',
  title: 'a native header filter lets through exactly the messages whose headers match',
  examines: ['headerFilter'],
  kills: ['header-filter-ignored', 'overclaims-header-filter'],
  kinds: ['topic', 'stream'],
  applies: (capabilities) => capabilities.headerFilter === 'native',
  async run(context) {
    for (const { headerFilter: wanted, matches } of headerFilters) {
      if (!isNative(context, { headerFilter: wanted }, 'headerFilter')) continue
      const place = await context.place({ subscription: { headerFilter: wanted } })
      const session = await context.connect()
      const inbox = await session.receive(place, { react: () => 'ack' })
      await session.send(place, headerFilterSamples)
      await context.waiting.eventually(() => inbox.has(matches), `what matches ${JSON.stringify(wanted)} arrives`, context.harness.bounds.arrivalMs)
      await context.waiting.until(context.now + context.harness.bounds.quietMs)
      checkSameMembers(inbox.texts(), matches, `header filter ${JSON.stringify(wanted)}`)
      await session.close()
    }
  },
}

const emulated: ContractCase = {
  id: 'topics/filter-emulated',
  title: 'without a native filter a subscription with one is refused, unless emulation is configured: then it works',
  examines: ['filter'],
  kills: ['copies-without-headers'],
  kinds: ['topic', 'stream'],
  applies: (capabilities) => capabilities.filter === 'none' && capabilities.settlement !== false,
  async run(context) {
    const name = context.uniqueName()
    const orders = context.kind === 'topic' ? topic<Order>(name) : stream<Order>(name)
    const german = orders.subscription('german', { filter: { country: ['DE'] }, headerFilter: { tenant: ['acme'] } })
    await expectRefusal(() => context.api.make([orders, german], { [name]: context.api.route() }).start(), name)
    await expectBothMatch(context, orders, german, context.api.make([orders, german], { [name]: context.api.route({ emulate: ['filter'] }) }))
  },
}

const both: ContractCase = {
  id: 'topics/both-filters',
  title:
    'a subscription that filters on body and headers gets what matches both: a filter that the broker does not have beside the other is refused, unless it is emulated',
  examines: ['filter', 'headerFilter'],
  kills: ['second-filter-ignored'],
  kinds: ['topic', 'stream'],
  applies: ({ filter, headerFilter, settlement }) => filter === 'native' && headerFilter === 'native' && settlement !== false,
  async run(context) {
    const name = context.uniqueName()
    const orders = context.kind === 'topic' ? topic<Order>(name) : stream<Order>(name)
    const filters = { filter: { country: ['DE'] }, headerFilter: { tenant: ['acme'] } } as const
    const both = orders.subscription('both', filters)
    const isWhole = isNative(context, filters, 'filter') && isNative(context, filters, 'headerFilter')
    if (!isWhole) await expectRefusal(() => context.api.make([orders, both], { [name]: context.api.route() }).start(), name)
    await expectBothMatch(context, orders, both, context.api.make([orders, both], { [name]: context.api.route({ emulate: ['filter'] }) }))
  },
}

interface Order {
  readonly id: string
  readonly country: string
}

export const filterCases: readonly ContractCase[] = [filter, headerFilter, emulated, both]

/** A driver may have some operators natively and not others: it then says so for the subscription that asks. */
function isNative(context: CaseContext, subscription: Omit<EndpointSubscription, 'name'>, key: 'filter' | 'headerFilter'): boolean {
  const claimed = context.harness.createDriver().capabilities(context.endpoint(context.uniqueName(), {}, { ...subscription, name: 'sub-1' }))
  return !('refused' in claimed) && claimed[key] === 'native'
}

/** The source filters by the country DE and the tenant acme. */
async function expectBothMatch(
  context: CaseContext,
  orders: Topic<Order, Order> | Stream<Order, Order>,
  source: Subscription<Order, Order>,
  broker: Broker,
): Promise<void> {
  const seen: string[] = []
  await broker.consume(source, (message) => {
    seen.push(message.body.id)
    context.changes.notify()
  })
  // A subscription of a stream begins at its end: it must be there before the messages.
  const producer = broker.producer(orders)
  await producer.send({ id: 'other country', country: 'FR' }, { headers: { tenant: 'acme' } })
  await producer.send({ id: 'other tenant', country: 'DE' }, { headers: { tenant: 'other' } })
  await producer.send({ id: 'both match', country: 'DE' }, { headers: { tenant: 'acme' } })
  await context.waiting.eventually(() => seen.includes('both match'), 'what matches is handled', context.harness.bounds.arrivalMs)
  checkSameMembers(seen, ['both match'], 'what the handler sees')
}
