import type { ContractCase } from '../case.ts'
import { check, checkOrder, NotApplicable, show } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import type { Inbox } from '../kit/inbox.ts'
import type { MessageParts } from '../kit/messages.ts'
import { holdMs, ordered } from '../kit/capabilities.ts'

const inOrder: ContractCase = {
  id: 'ordering/in-order',
  title: 'messages of a key arrive in the order sent, through batches, windows and interleaved keys',
  examines: ['ordering', 'batchOrder'],
  kills: ['batch-reversed', 'delivery-reversed', 'neighbours-swapped', 'order-claimed'],
  keyed: true,
  applies: ordered,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const messages = interleaved(['a', 'b', 'c'], 20)
    await session.send(place, messages)
    const inbox = await session.receive(place, { window: { messages: 7, bytes: 1_000_000 }, react: () => 'ack' })
    await arriveInOrder(context, inbox, messages)
  },
}

const acrossConnections: ContractCase = {
  id: 'ordering/across-connections',
  title: 'a message sent on another connection after the last one was confirmed comes after it',
  examines: ['ordering', 'confirms'],
  kills: ['order-per-connection'],
  keyed: true,
  applies: (capabilities) => ordered(capabilities) && capabilities.confirms,
  async run(context) {
    const place = await context.place()
    const [one, two] = [await context.connect(), await context.connect()]
    const messages = interleaved(['a'], 10)
    for (const [index, message] of messages.entries()) await (index % 2 === 0 ? one : two).send(place, [message])
    const inbox = await one.receive(place, { react: () => 'ack' })
    await arriveInOrder(context, inbox, messages)
  },
}

const keysIndependent: ContractCase = {
  id: 'ordering/keys-independent',
  title: 'a key whose message is not settled does not hold back other keys',
  examines: ['ordering', 'keyHold'],
  kills: ['one-key-at-a-time'],
  keyed: true,
  applies: (capabilities) => capabilities.ordering === 'key' && capabilities.settlement !== false,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const inbox = await session.receive(place, { react: ({ text }) => (text.startsWith('a:') ? 'keep' : 'ack') })
    await session.send(place, [{ body: 'a:1', key: 'a' }])
    await context.waiting.eventually(() => inbox.has(['a:1']), 'the first message arrives', context.harness.bounds.arrivalMs)
    const others = interleaved(['b', 'c', 'd'], 5)
    await session.send(place, others)
    await arriveInOrder(context, inbox, others)
  },
}

const hotPartition: ContractCase = {
  id: 'ordering/hot-partition',
  title: 'a partition with more than the window holds, of which nothing is settled, leaves room for the others',
  examines: ['ordering', 'keyHold', 'lease'],
  kills: ['one-partition-at-a-time'],
  keyed: true,
  applies: (capabilities) => capabilities.ordering === 'key' && capabilities.settlement !== false && holdMs(capabilities) === 0,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const first = await session.receive(place, { react: () => 'ack' })
    const keys = Array.from('abcdefghijkl')
    await session.send(place, interleaved(keys, 1))
    await arriveInOrder(context, first, interleaved(keys, 1))
    const partitions = new Map(first.arrivals.map(({ delivery: { incoming, scope } }) => [incoming.key, scope.partition]))
    const other = keys.find((key) => partitions.get(key) !== partitions.get('a'))
    if (other === undefined) throw new NotApplicable('the source is not divided into partitions')
    await first.receiver.pause()
    await first.receiver.handBack()
    const inbox = await session.receive(place, { window: { messages: 8, bytes: 1_000_000 }, react: ({ text }) => (text.startsWith('a:') ? 'keep' : 'ack') })
    await session.send(
      place,
      Array.from({ length: 40 }, (_, index) => ({ body: `a:hot ${index}`, key: 'a' })),
    )
    await context.waiting.eventually(() => inbox.has(['a:hot 0']), 'the first of them arrives', context.againMs(place))
    await context.waiting.until(context.now + context.harness.bounds.quietMs)
    await session.send(place, [{ body: `${other}:cold`, key: other }])
    await context.waiting.eventually(() => inbox.has([`${other}:cold`]), 'a message of another partition arrives', context.againMs(place))
  },
}

const brokerHolds: ContractCase = {
  id: 'ordering/held-at-broker',
  title: 'where the broker keeps a key back, no other consumer gets its later messages while the first is unsettled',
  examines: ['keyHold'],
  kills: ['hold-ignored'],
  keyed: true,
  applies: (capabilities) => ordered(capabilities) && capabilities.keyHold === 'broker' && capabilities.competingConsumers,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const first = await session.receive(place, { window: { messages: 1, bytes: 1_000_000 } })
    await session.send(place, [{ body: 'a:1', key: 'a' }])
    await context.waiting.eventually(() => first.has(['a:1']), 'the first message arrives', context.harness.bounds.arrivalMs)
    await session.send(place, [{ body: 'a:2', key: 'a' }])
    await session.send(place, [{ body: 'a:3', key: 'a' }])
    const second = await (await context.connect()).receive(place)
    await context.waiting.never(
      () => second.has(['a:2']) || second.has(['a:3']),
      'a later message of the held key is given to another consumer',
      Math.min(context.harness.bounds.quietMs, holdMs(place.capabilities) / 2 || context.harness.bounds.quietMs),
    )
    await first.settleAll('ack')
    const all = (): string[] => [...first.distinct(), ...second.distinct()]
    first.react = () => 'ack'
    second.react = () => 'ack'
    await second.settleAll('ack')
    await context.waiting.eventually(
      () => all().includes('a:2') && all().includes('a:3'),
      'the later messages come after the first is settled',
      context.againMs(place),
    )
  },
}

const orderAfterLoss: ContractCase = {
  id: 'ordering/after-loss',
  title: 'after a consumer is gone, the next one gets what it had not settled, in order, before what it never had',
  examines: ['ordering', 'redelivery'],
  kills: ['redelivered-last'],
  keyed: true,
  applies: ordered,
  waitsMs: holdMs,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const messages = interleaved(['a', 'b'], 8)
    await session.send(place, messages)
    const inbox = await session.receive(place, { window: { messages: 6, bytes: 1_000_000 } })
    await context.waiting.eventually(() => inbox.distinct().length >= 2, 'the window fills', context.harness.bounds.arrivalMs)
    const [firstOfAll] = inbox.arrivals
    check(firstOfAll !== undefined, 'a message arrived')
    await inbox.settle([{ delivery: firstOfAll.delivery, action: 'ack' }])
    const next = await context.takeOver(session, inbox, () => 'ack')
    await arriveInOrder(
      context,
      next.inbox,
      messages.filter(({ body }) => body !== firstOfAll.text),
      context.againMs(place),
      [firstOfAll.text],
    )
  },
}

const wholeDestination: ContractCase = {
  id: 'ordering/destination',
  title: 'where the whole destination is ordered, messages of all keys arrive in the order sent, in calls of one message and of several',
  examines: ['ordering'],
  kills: ['destination-order-claimed', 'destination-order-lost-in-calls'],
  keyed: true,
  applies: (capabilities) => capabilities.ordering === 'destination' && capabilities.settlement !== false,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const messages = interleaved(['a', 'b', 'c', 'd'], 10)
    for (const message of messages.slice(0, 20)) await session.send(place, [message])
    await session.send(place, messages.slice(20))
    const inbox = await session.receive(place, { react: () => 'ack' })
    await context.waiting.eventually(() => inbox.distinct().length >= messages.length, 'all messages arrive', context.harness.bounds.arrivalMs)
    checkOrder(
      inbox.texts(),
      messages.map(({ body }) => body),
      'order of arrival',
    )
  },
}

export const keyCases: readonly ContractCase[] = [inOrder, acrossConnections, keysIndependent, hotPartition, brokerHolds, orderAfterLoss, wholeDestination]

type Keyed = MessageParts & { readonly body: string; readonly key: string }

/** `a:1 b:1 a:2 b:2 …` */
export function interleaved(keys: readonly string[], count: number): Keyed[] {
  return Array.from({ length: count }, (_, index) => keys.map((key) => ({ body: `${key}:${index + 1}`, key }))).flat()
}

/** After dropping repeats, every key's messages come in order. `before`: bodies that may come again in front. */
async function arriveInOrder(
  context: CaseContext,
  inbox: Inbox,
  messages: readonly Keyed[],
  withinMs: number = context.harness.bounds.arrivalMs,
  before: readonly string[] = [],
): Promise<void> {
  const bodies = messages.map(({ body }) => body)
  await context.waiting.eventually(
    () => inbox.has(bodies),
    () => `all messages arrive; missing ${show(bodies.filter((body) => !inbox.has([body])))}`,
    withinMs * 2,
  )
  for (const key of new Set(messages.map((message) => message.key))) {
    const expected = messages.filter((message) => message.key === key).map(({ body }) => body)
    checkOrder(
      inbox.texts().filter((text) => text.startsWith(`${key}:`) && !before.includes(text)),
      expected,
      `order of key ${key}`,
    )
  }
}
