import type { ContractCase } from '../case.ts'
import { check, checkOrder, show } from '../kit/assert.ts'
import { numbered } from '../kit/messages.ts'

const releaseComesAgain: ContractCase = {
  id: 'settling/release',
  title: 'a released message comes again at once, and is not lost',
  examines: ['settlement'],
  kills: ['release-acks', 'release-no-op'],
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const bodies = numbered('m', 4)
    await session.send(place, bodies)
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(bodies), 'all messages arrive', context.harness.bounds.arrivalMs)
    const before = inbox.arrivals.length
    await inbox.settleAll('release')
    // Where acks count by prefix there is nothing to give back one by one: the receiver gives up what it holds.
    if (place.capabilities.settlement !== false && place.capabilities.settlement.mode === 'prefix') await session.handBack(inbox)
    const next = await (await context.connect()).receive(place)
    const again = (): string[] => [...inbox.arrivals.slice(before).map(({ text }) => text), ...next.texts()]
    await context.waiting.eventually(
      () => bodies.every((body) => again().includes(body)),
      () => `all released messages come again at once; only ${show(again())} did`,
      context.harness.bounds.arrivalMs,
    )
  },
}

const releaseCounts: ContractCase = {
  id: 'settling/release-count',
  title: "releasing raises the broker's delivery count only where that is declared",
  examines: ['releaseCounts', 'deliveryAttempt'],
  kills: ['release-counts', 'overclaims-release-counts'],
  applies: ({ settlement, releaseCounts, deliveryAttempt }) => settlement !== false && !releaseCounts && deliveryAttempt !== 'none',
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, ['m-1'])
    let current = { session, inbox: await session.receive(place) }
    for (let time = 0; time < 3; time++) {
      const { session: holder, inbox } = current
      await context.waiting.eventually(() => inbox.has(['m-1']), 'the message arrives', context.againMs(place))
      const { brokerAttempts } = inbox.latest('m-1').delivery
      check(brokerAttempts === undefined || brokerAttempts === 1, () => `after ${time} releases the delivery count is 1, not ${brokerAttempts}`)
      await inbox.settleAll('release')
      await holder.handBack(inbox)
      const next = await context.connect()
      current = { session: next, inbox: await next.receive(place) }
    }
  },
}

const releaseOrder: ContractCase = {
  id: 'settling/release-order',
  title: 'released messages come again in their order, before those that were never delivered',
  examines: ['ordering', 'settlement'],
  kills: ['release-to-tail'],
  keyed: true,
  applies: ({ settlement, ordering }) => settlement !== false && ordering !== 'none',
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const bodies = numbered('m', 6)
    for (const body of bodies) await session.send(place, [{ body, key: 'a' }])
    const inbox = await session.receive(place, { window: { messages: 3, bytes: 1_000_000 } })
    await context.waiting.eventually(() => inbox.distinct().length >= 1, 'the window fills', context.harness.bounds.arrivalMs)
    await inbox.receiver.pause()
    await inbox.settleAll('release')
    await session.handBack(inbox)
    const next = await (await context.connect()).receive(place, { react: () => 'ack' })
    await context.waiting.eventually(
      () => next.has(bodies),
      () => `all messages come again; only ${show(next.distinct())} did`,
      context.againMs(place),
    )
    checkOrder(next.texts(), bodies, 'order after the release')
  },
}

export const releaseCases: readonly ContractCase[] = [releaseComesAgain, releaseCounts, releaseOrder]
