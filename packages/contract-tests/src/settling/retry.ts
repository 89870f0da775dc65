import type { ContractCase } from '../case.ts'
import { check, checkEqual, checkOrder, show } from '../kit/assert.ts'
import type { Arrival, Reaction } from '../kit/inbox.ts'
import { holdMs } from '../kit/capabilities.ts'
import { numbered } from '../kit/messages.ts'
import { fallsSilent } from './ack.ts'

const retryAtOnce: ContractCase = {
  id: 'settling/retry-at-once',
  title: 'a message given back without a delay comes again at once and whole, long before a lease would end',
  examines: ['redelivery'],
  kills: ['retry-loses', 'retry-no-op', 'retry-alters', 'overclaims-redelivery-immediate'],
  applies: ({ redelivery }) => redelivery.immediate,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, [{ body: 'm-1', headers: { tenant: 'acme' }, type: 'a.b', correlationId: 'c-1', replyTo: 'replies' }, 'm-2'])
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(['m-1', 'm-2']), 'both messages arrive', context.harness.bounds.arrivalMs)
    const before = inbox.arrivals.length
    const first = inbox.latest('m-1')
    const answers = await inbox.settleAll({ retryMs: 0 }, ['m-1'])
    check(
      answers.every((answer) => answer === 'durable' || answer === 'accepted'),
      () => `it is taken; answers ${show(answers)}`,
    )
    const lease = holdMs(place.capabilities) || Number.POSITIVE_INFINITY
    await context.waiting.eventually(
      () => inbox.arrivals.slice(before).some(({ text }) => text === 'm-1'),
      'the message comes again',
      Math.min(context.harness.bounds.arrivalMs, lease / 2),
    )
    checkEqual(carried(inbox.latest('m-1')), carried(first), 'what the redelivery carries')
    await fallsSilent(context, session, inbox)
  },
}

/** All but the count of attempts, and what is of the one delivery. */
function carried({ delivery: { incoming } }: Arrival): unknown {
  const { id, headers, type, contentType, timestamp, key, correlationId, replyTo } = incoming
  return { id, headers: { ...headers }, type, contentType, timestamp, key, correlationId, replyTo }
}

const retryDelay: ContractCase = {
  id: 'settling/retry-delay',
  title: 'a message given back with a delay comes again when the delay has passed, not before; its neighbours are not delayed',
  examines: ['redelivery'],
  kills: ['retry-delay-ignored', 'retry-delay-early', 'retry-delay-for-ever'],
  applies: ({ redelivery }) => redelivery.delayed !== false,
  waitsMs: () => 5_000,
  async run(context) {
    const place = await context.place()
    const delayed = place.capabilities.redelivery.delayed
    check(delayed !== false, 'delayed redelivery is declared')
    const delayMs = Math.min(5_000, delayed.maxMs)
    const session = await context.connect()
    await session.send(place, ['m-1', 'm-2'])
    const inbox = await session.receive(place, { react: ({ text }) => (text === 'm-1' ? 'keep' : 'ack') })
    await context.waiting.eventually(() => inbox.has(['m-1', 'm-2']), 'both messages arrive', context.harness.bounds.arrivalMs)
    // Copies of the broker's own making must not be taken for an early redelivery: none is left unsettled.
    await context.waiting.until(context.now + Math.min(context.harness.bounds.quietMs, delayMs / 4))
    const before = inbox.arrivals.length
    const settledAt = context.now
    await inbox.settleAll({ retryMs: delayMs }, ['m-1'])
    const again = (): boolean => inbox.arrivals.slice(before).some(({ text }) => text === 'm-1')
    await context.waiting.never(again, 'the message comes before its delay has passed', delayMs - (context.now - settledAt) - 1)
    await context.waiting.eventually(again, 'the message comes again after its delay', 1_000 + context.harness.bounds.arrivalMs)
  },
}

const longestRetryDelay: ContractCase = {
  id: 'settling/longest-retry-delay',
  title: 'the longest declared redelivery delay is kept, not shortened',
  examines: ['redelivery'],
  kills: ['retry-delay-clamped', 'overclaims-redelivery-delay'],
  applies: ({ redelivery }) => redelivery.delayed !== false,
  waitsMs: ({ redelivery }) => (redelivery.delayed === false ? 0 : redelivery.delayed.maxMs),
  async run(context) {
    const place = await context.place()
    const delayed = place.capabilities.redelivery.delayed
    check(delayed !== false, 'delayed redelivery is declared')
    const session = await context.connect()
    await session.send(place, ['m-1'])
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(['m-1']), 'the message arrives', context.harness.bounds.arrivalMs)
    // The broker may count its longest delay from the first receipt (SQS: twelve hours in all): a second is given away.
    await context.waiting.until(context.now + Math.min(context.harness.bounds.quietMs, 500))
    const before = inbox.arrivals.length
    const delayMs = Math.max(0, delayed.maxMs - 60_000)
    const settledAt = context.now
    const answers = await inbox.settleAll({ retryMs: delayMs })
    check(
      answers.every((answer) => answer === 'durable' || answer === 'accepted'),
      () => `a delay of ${delayMs} ms is taken; answers ${show(answers)}`,
    )
    await context.waiting.never(() => inbox.arrivals.length > before, 'the message comes before its delay has passed', delayMs - (context.now - settledAt) - 1)
    await context.waiting.eventually(() => inbox.arrivals.length > before, 'the message comes again after its delay', 1_000 + context.harness.bounds.arrivalMs)
  },
}

const retryKeepsOrder: ContractCase = {
  id: 'settling/retry-keeps-order',
  title: 'while a message of a key waits for its redelivery, later messages of the key do not overtake it',
  examines: ['redelivery', 'keyHold', 'ordering'],
  kills: ['retry-overtaken', 'overclaims-redelivery-order'],
  keyed: true,
  applies: ({ redelivery, ordering, keyHold }) => ordering !== 'none' && keyHold === 'broker' && redelivery.delayed !== false && redelivery.delayed.keepsOrder,
  waitsMs: () => 3_000,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    for (const body of numbered('m', 3)) await session.send(place, [{ body, key: 'a' }])
    let failedAt: number | undefined
    const react = ({ text, at }: Arrival): Reaction => {
      if (text !== 'm-1' || failedAt !== undefined) return 'ack'
      failedAt = at
      return { retryMs: 3_000 }
    }
    const inbox = await session.receive(place, { window: { messages: 1, bytes: 1_000_000 }, react })
    await context.waiting.eventually(() => inbox.has(['m-1']), 'the first message arrives', context.harness.bounds.arrivalMs)
    await context.waiting.eventually(() => inbox.has(numbered('m', 3)), 'all messages arrive in the end', context.againMs(place) + 3_000)
    const again = inbox.arrivals.findIndex(({ text, at }) => text === 'm-1' && at >= (failedAt ?? 0) + 2_500)
    check(again > 0, 'the failed message comes again after its delay')
    checkOrder(inbox.texts().slice(again), numbered('m', 3), 'order from the redelivery on')
    check(
      !inbox
        .texts()
        .slice(0, again)
        .some((text) => text !== 'm-1'),
      'later messages do not overtake it',
    )
  },
}

const attemptTravels: ContractCase = {
  id: 'settling/attempt',
  title: 'the attempt that a redelivery carries is the one that was given back, or none',
  examines: ['redelivery'],
  kills: ['attempt-inflated', 'attempt-starts-at-one'],
  applies: ({ redelivery }) => redelivery.immediate,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, ['m-1'])
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(['m-1']), 'the message arrives', context.harness.bounds.arrivalMs)
    const before = inbox.arrivals.length
    await inbox.settle(inbox.unsettled().map((delivery) => ({ delivery, action: 'retry', delayMs: 0, attempt: 4 })))
    await context.waiting.eventually(() => inbox.arrivals.length > before, 'the message comes again', context.againMs(place))
    const { attempt } = inbox.latest('m-1').delivery.incoming
    check(attempt === 4 || attempt === 0, () => `incoming.attempt is 4 (carried) or 0 (unknown), not ${attempt}`)
  },
}

export const retryCases: readonly ContractCase[] = [retryAtOnce, retryDelay, longestRetryDelay, retryKeepsOrder, attemptTravels]
