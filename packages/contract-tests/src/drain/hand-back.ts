import type { ContractCase } from '../case.ts'
import { check, checkOrder, show } from '../kit/assert.ts'
import { numbered } from '../kit/messages.ts'

const inOrder: ContractCase = {
  id: 'drain/hand-back-in-order',
  title: 'what a draining receiver hands back comes to the next one at once, whole and in order',
  examines: ['ordering', 'settlement'],
  kills: ['hand-back-to-tail', 'hand-back-reversed'],
  keyed: true,
  applies: ({ ordering, settlement }) => ordering !== 'none' && settlement !== false,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const bodies = numbered('m', 12)
    for (const body of bodies) await session.send(place, [{ body, key: 'a' }])
    const inbox = await session.receive(place, { window: { messages: 8, bytes: 1_000_000 } })
    await context.waiting.eventually(() => inbox.arrivals.length > 0, 'the window fills', context.harness.bounds.arrivalMs)
    await inbox.receiver.pause()
    const [first] = inbox.arrivals
    check(first?.text === 'm-1', 'the first message is delivered first')
    await inbox.settle([{ delivery: first.delivery, action: 'ack' }])
    await session.handBack(inbox)
    const next = await (await context.connect()).receive(place, { react: () => 'ack' })
    await context.waiting.eventually(
      () => next.has(bodies.slice(1)),
      () => `all that was handed back comes at once; only ${show(next.distinct())} did`,
      context.harness.bounds.arrivalMs,
    )
    checkOrder(
      next.texts().filter((text) => text !== 'm-1'),
      bodies.slice(1),
      'order after the hand-over',
    )
  },
}

const nothingLost: ContractCase = {
  id: 'drain/hand-back-keeps-all',
  title: 'handing back loses nothing and acks nothing: what was settled is gone, what was not comes again at once',
  examines: ['settlement'],
  kills: ['hand-back-acks', 'hand-back-loses-prefetched', 'hand-back-no-op'],
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const bodies = numbered('m', 10)
    await session.send(place, bodies)
    const inbox = await session.receive(place, { window: { messages: 6, bytes: 1_000_000 } })
    await context.waiting.eventually(() => inbox.distinct().length >= 2, 'messages arrive', context.harness.bounds.arrivalMs)
    await inbox.receiver.pause()
    const held = inbox.distinct()
    await session.handBack(inbox)
    const next = await (await context.connect()).receive(place)
    await context.waiting.eventually(
      () => next.has(bodies),
      () => `all come at once, the ${held.length} handed back too; only ${show(next.distinct())} did`,
      context.harness.bounds.arrivalMs,
    )
  },
}

const silentAfterwards: ContractCase = {
  id: 'drain/silent-after-hand-back',
  title: 'after handing back, a receiver delivers nothing more and the link closes',
  examines: [],
  kills: ['delivers-after-hand-back', 'close-hangs'],
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const inbox = await session.receive(place)
    await session.send(place, ['m-1'])
    await context.waiting.eventually(() => inbox.has(['m-1']), 'a message arrives', context.harness.bounds.arrivalMs)
    await session.handBack(inbox)
    const after = inbox.arrivals.length
    await session.send(place, ['m-2'])
    await context.waiting.never(() => inbox.arrivals.length > after, 'a receiver that has handed back delivers', context.harness.bounds.quietMs)
    await context.waiting.settled(session.close(), 'closing the link', context.harness.bounds.reconnectMs)
  },
}

export const handBackCases: readonly ContractCase[] = [inOrder, nothingLost, silentAfterwards]
