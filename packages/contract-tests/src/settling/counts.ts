import type { ContractCase } from '../case.ts'
import { check, NotApplicable } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import type { Place } from '../kit/place.ts'
import { holdMs } from '../kit/capabilities.ts'

const deliveryCount: ContractCase = {
  id: 'settling/delivery-count',
  title: 'the delivery count is 1 at first and rises with every redelivery, by exactly one where that is declared',
  examines: ['deliveryAttempt'],
  kills: ['count-not-raised', 'count-from-zero'],
  applies: ({ deliveryAttempt, redelivery }) => deliveryAttempt !== 'none' && redelivery.immediate,
  async run(context) {
    const place = await context.place()
    const exact = place.capabilities.deliveryAttempt === 'exact'
    const session = await context.connect()
    await session.send(place, ['m-1'])
    const inbox = await session.receive(place)
    for (let time = 1; time <= 4; time++) {
      await context.waiting.eventually(() => inbox.unsettled().length > 0, `delivery ${time} comes`, context.againMs(place))
      const count = inbox.latest('m-1').delivery.brokerAttempts
      if (time > 1) check(count !== undefined, 'a driver that counts deliveries tells the count of a redelivery')
      if (count !== undefined)
        check(exact ? count === time : count >= time, () => `delivery ${time} has ${exact ? 'exactly' : 'at least'} the count ${time}, not ${count}`)
      await inbox.settleAll({ retryMs: 0 })
    }
  },
}

const delayedCount: ContractCase = {
  id: 'settling/delivery-count-delayed',
  title: 'the delivery count also rises over a delayed redelivery, however the driver makes it',
  examines: ['deliveryAttempt', 'redelivery'],
  kills: ['count-restarts-after-delay'],
  applies: ({ deliveryAttempt, redelivery }) => deliveryAttempt !== 'none' && redelivery.delayed !== false,
  waitsMs: () => 2_000,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, ['m-1'])
    const inbox = await session.receive(place)
    for (let time = 1; time <= 3; time++) {
      await context.waiting.eventually(() => inbox.unsettled().length > 0, `delivery ${time} comes`, 1_000 + context.harness.bounds.arrivalMs)
      const count = inbox.latest('m-1').delivery.brokerAttempts
      if (time > 1) check(count !== undefined && count >= time, () => `delivery ${time} has at least the count ${time}, not ${count}`)
      await inbox.settleAll({ retryMs: 1_000 })
    }
  },
}

const toldCount: ContractCase = {
  id: 'settling/delivery-count-told',
  title: 'a driver that counts deliveries tells the count of every redelivery; an exact count does not rise when a consumer is gone that had not settled',
  examines: ['deliveryAttempt'],
  kills: ['overclaims-delivery-attempt', 'overclaims-exact-delivery-attempt'],
  applies: ({ deliveryAttempt, settlement }) => deliveryAttempt !== 'none' && settlement !== false,
  waitsMs: holdMs,
  async run(context) {
    const { place, first, again } = await twice(context)
    const exact = place.capabilities.deliveryAttempt === 'exact'
    check(again !== undefined && again >= 1, () => `a redelivery has its count; it is ${again}`)
    if (exact) check(again === 1 && (first ?? 1) === 1, () => `nothing was started, so an exact count stays 1; it was ${first} and then ${again}`)
  },
}

const noCount: ContractCase = {
  id: 'settling/no-delivery-count',
  title: 'where no delivery count is declared none is made up, for a redelivery neither',
  examines: ['deliveryAttempt'],
  kills: ['count-made-up'],
  applies: ({ deliveryAttempt, settlement }) => deliveryAttempt === 'none' && settlement !== false,
  waitsMs: holdMs,
  async run(context) {
    const { first, again } = await twice(context)
    check(first === undefined && again === undefined, () => `there is no count; it was ${first} and then ${again}`)
  },
}

/** Counts of a delivery and, after its consumer is gone, of the next. */
async function twice(context: CaseContext): Promise<{ readonly place: Place; readonly first: number | undefined; readonly again: number | undefined }> {
  const place = await context.place()
  const session = await context.connect()
  await session.send(place, ['m-1'])
  const inbox = await session.receive(place)
  await context.waiting.eventually(() => inbox.has(['m-1']), 'the message arrives', context.harness.bounds.arrivalMs)
  const first = inbox.arrivals[0]?.delivery.brokerAttempts
  const next = await context.takeOver(session, inbox)
  await context.waiting.eventually(() => next.inbox.has(['m-1']), 'the message comes to the next consumer', context.againMs(place))
  return { place, first, again: next.inbox.latest('m-1').delivery.brokerAttempts }
}

const sameAs: ContractCase = {
  id: 'settling/same-as',
  title: 'where a driver tells redeliveries apart, those of one message are equal and those of two messages are not',
  examines: ['redelivery'],
  kills: ['same-as-shared', 'same-as-fresh'],
  applies: ({ settlement, redelivery }) => settlement !== false && redelivery.immediate,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, [{ body: 'm-1', id: 'one' }])
    await session.send(place, [{ body: 'm-2', id: 'two' }])
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(['m-1', 'm-2']), 'both messages arrive', context.harness.bounds.arrivalMs)
    const first = inbox.latest('m-1').delivery.sameAs
    const second = inbox.latest('m-2').delivery.sameAs
    check(first === undefined || first !== second, 'two messages are not called the same')
    const before = inbox.arrivals.length
    await inbox.settle([{ delivery: inbox.latest('m-1').delivery, action: 'retry', delayMs: 0, attempt: 1 }])
    await context.waiting.eventually(() => inbox.arrivals.slice(before).some(({ text }) => text === 'm-1'), 'the message comes again', context.againMs(place))
    check(
      first === undefined || inbox.arrivals.slice(before).some(({ text, delivery }) => text === 'm-1' && delivery.sameAs === first),
      'a redelivery is called the same as the delivery before',
    )
  },
}

const discard: ContractCase = {
  id: 'settling/discard',
  title: 'a discarded message goes to the native dead-letter place, whole, and does not come again',
  examines: ['deadLetter'],
  kills: ['discard-drops', 'discard-alters', 'overclaims-dead-letter'],
  kinds: ['queue', 'topic'],
  // Some brokers can do it where a dead-letter place is named, and only there: the place says so once it is made.
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    if (!context.hasQueues) throw new NotApplicable('the driver has no queues for dead letters')
    const deadLetterName = context.uniqueName('dead')
    const place = await context.place({ deadLetterName })
    if (place.capabilities.deadLetter !== 'native') throw new NotApplicable('the broker moves nothing to a dead-letter place by itself')
    const dead = context.endpoint(deadLetterName, { kind: 'queue' })
    const session = await context.connect()
    await session.send(place, [{ body: 'bad', headers: { tenant: 'acme' }, type: 'a.b' }, { body: 'good' }])
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(['bad', 'good']), 'both messages arrive', context.harness.bounds.arrivalMs)
    await inbox.settleAll('discard', ['bad'])
    const deadInbox = await session.receive({ destination: dead, source: dead, capabilities: await context.inspect(dead) })
    await context.waiting.eventually(() => deadInbox.has(['bad']), 'the discarded message is in the dead-letter place', context.harness.bounds.arrivalMs)
    const { incoming } = deadInbox.latest('bad').delivery
    check(incoming.headers['tenant'] === 'acme' && incoming.type === 'a.b', 'headers and type are kept')
    check(!deadInbox.has(['good']), 'only the discarded message is there')
  },
}

export const countCases: readonly ContractCase[] = [deliveryCount, delayedCount, toldCount, noCount, sameAs, discard]
