import type { ContractCase } from '../case.ts'
import { check, checkOrder, show } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import type { Inbox } from '../kit/inbox.ts'
import { holdMs } from '../kit/capabilities.ts'
import { numbered } from '../kit/messages.ts'
import type { Session } from '../kit/session.ts'

const ackStops: ContractCase = {
  id: 'settling/ack-stops-redelivery',
  title: 'an acked message does not come again: not after its lease, and not for the next consumer',
  examines: ['settlement', 'lease'],
  kills: ['ack-no-op', 'ack-then-again', 'ack-no-op-on-scopes'],
  applies: ({ settlement }) => settlement !== false,
  waitsMs: holdMs,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const bodies = numbered('m', 5)
    await session.send(place, bodies)
    const inbox = await session.receive(place, { react: () => 'ack' })
    await context.waiting.eventually(() => inbox.has(bodies), 'all messages arrive', context.harness.bounds.arrivalMs)
    await fallsSilent(context, session, inbox)
  },
}

const ackIsItsOwn: ContractCase = {
  id: 'settling/ack-only-its-own',
  title: 'acking some messages leaves those around them: these come again, the acked ones do not',
  examines: ['settlement'],
  kills: ['ack-cumulative', 'ack-touches-neighbour', 'overclaims-settlement-individual'],
  applies: ({ settlement }) => settlement !== false && settlement.mode === 'individual',
  waitsMs: holdMs,
  run: (context) =>
    seldomAgain(async () => {
      const place = await context.place()
      const session = await context.connect()
      const bodies = numbered('m', 9)
      const acked = ['m-2', 'm-4', 'm-6', 'm-8']
      await session.send(place, bodies)
      const inbox = await session.receive(place)
      await context.waiting.eventually(() => inbox.has(bodies), 'all messages arrive', context.harness.bounds.arrivalMs)
      // Copies of the broker's own making come now or never.
      await context.waiting.until(context.now + Math.min(context.harness.bounds.quietMs, 1_000))
      await inbox.settleAll('ack', acked)
      const next = await context.takeOver(session, inbox, () => 'ack')
      const others = bodies.filter((body) => !acked.includes(body))
      await context.waiting.eventually(
        () => next.inbox.has(others),
        () => `the unsettled messages come again; ${show(next.inbox.texts())} did, of ${show(inbox.texts())}`,
        context.againMs(place),
      )
      await fallsSilent(context, next.session, next.inbox)
      return acked.filter((body) => next.inbox.has([body]))
    }),
}

const prefix: ContractCase = {
  id: 'settling/prefix',
  title: 'where acks count by prefix, nothing after a message that is not acked is forgotten',
  examines: ['settlement'],
  kills: ['prefix-skips-gap', 'prefix-never-written'],
  applies: ({ settlement }) => settlement !== false && settlement.mode === 'prefix',
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const bodies = numbered('m', 5)
    for (const body of bodies) await session.send(place, [body])
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(bodies), 'all messages arrive', context.harness.bounds.arrivalMs)
    await inbox.settleAll('ack', ['m-1', 'm-2', 'm-4'])
    const next = await context.takeOver(session, inbox)
    await context.waiting.eventually(
      () => next.inbox.has(['m-3', 'm-5']),
      () => `messages that are not acked come again; only ${show(next.inbox.distinct())} did`,
      context.againMs(place),
    )
    await context.waiting.never(
      () => next.inbox.has(['m-1']) && next.inbox.has(['m-2']),
      'the acked prefix comes again as a whole',
      context.harness.bounds.quietMs,
    )
  },
}

const unsettledComesAgain: ContractCase = {
  id: 'settling/unsettled-comes-again',
  title: 'a message that was delivered and never settled comes again',
  examines: ['delivery', 'redelivery', 'lease'],
  kills: ['ack-on-delivery', 'unsettled-lost'],
  applies: ({ delivery, settlement }) => delivery === 'at-least-once' && settlement !== false,
  waitsMs: holdMs,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const bodies = numbered('m', 4)
    await session.send(place, bodies)
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(bodies), 'all messages arrive', context.harness.bounds.arrivalMs)
    const next = await context.takeOver(session, inbox)
    await context.waiting.eventually(
      () => next.inbox.has(bodies),
      () => `all come again; only ${show(next.inbox.distinct())} did`,
      context.againMs(place),
    )
  },
}

const answersInOrder: ContractCase = {
  id: 'settling/mixed-batch',
  title: 'in one call of settle every outcome goes to its own message, and the answers come in the same order',
  examines: ['settlement', 'redelivery'],
  kills: ['last-outcome-skipped', 'outcomes-swapped'],
  applies: ({ settlement, redelivery }) => settlement !== false && settlement.mode === 'individual' && redelivery.immediate,
  waitsMs: holdMs,
  run: (context) =>
    seldomAgain(async () => {
      const place = await context.place()
      const session = await context.connect()
      const bodies = numbered('m', 6)
      await session.send(place, bodies)
      const inbox = await session.receive(place)
      await context.waiting.eventually(() => inbox.has(bodies), 'all messages arrive', context.harness.bounds.arrivalMs)
      await context.waiting.until(context.now + Math.min(context.harness.bounds.quietMs, 1_000))
      const retried = ['m-2', 'm-5']
      const before = inbox.arrivals.length
      inbox.react = () => 'ack'
      const held = inbox.unsettled()
      const answers = await inbox.settle(
        held.map((delivery) =>
          retried.includes(inbox.arrivals.find((arrival) => arrival.delivery === delivery)?.text ?? '')
            ? { delivery, action: 'retry', delayMs: 0, attempt: 1 }
            : { delivery, action: 'ack' },
        ),
      )
      check(
        answers.every((answer) => answer === 'durable' || answer === 'accepted'),
        () => `all outcomes are taken; answers ${show(answers)}`,
      )
      await context.waiting.eventually(
        () => retried.every((text) => inbox.arrivals.slice(before).some((arrival) => arrival.text === text)),
        'the messages given back come again',
        context.harness.bounds.arrivalMs,
      )
      await context.waiting.until(context.now + Math.min(context.harness.bounds.quietMs, 1_000))
      const next = await context.takeOver(session, inbox, () => 'ack')
      await context.waiting.until(context.now + context.silenceMs(place))
      return [...inbox.arrivals.slice(before).map(({ text }) => text), ...next.inbox.texts()].filter((text) => !retried.includes(text))
    }),
}

const settleTwice: ContractCase = {
  id: 'settling/settle-twice',
  title: 'settling a delivery a second time touches no other message and does not throw',
  examines: ['settlement'],
  kills: ['second-settle-acks-next', 'second-settle-rejects'],
  applies: ({ settlement }) => settlement !== false && settlement.mode === 'individual',
  waitsMs: holdMs,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const bodies = numbered('m', 3)
    await session.send(place, bodies)
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(bodies), 'all messages arrive', context.harness.bounds.arrivalMs)
    const { delivery } = inbox.latest('m-1')
    for (let time = 0; time < 3; time++) await inbox.settle([{ delivery, action: 'ack' }])
    const next = await context.takeOver(session, inbox)
    await context.waiting.eventually(
      () => next.inbox.has(['m-2', 'm-3']),
      () => `the unsettled messages come again; only ${show(next.inbox.distinct())} did`,
      context.againMs(place),
    )
  },
}

const manyAcks: ContractCase = {
  id: 'settling/ack-while-receiving',
  title: 'a backlog is received and acked to the end, whatever the size of windows and batches',
  examines: ['settlement', 'maxBatch'],
  kills: ['hundredth-ack-not-taken', 'settle-rejects'],
  applies: ({ settlement }) => settlement !== false,
  waitsMs: holdMs,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const bodies = numbered('m', 250)
    await session.send(place, bodies)
    const inbox = await session.receive(place, { window: { messages: 20, bytes: 1_000_000 }, react: () => 'ack' })
    await context.waiting.eventually(
      () => inbox.has(bodies),
      () => `all messages arrive; ${inbox.distinct().length} of 250 did`,
      context.harness.bounds.arrivalMs * 5,
    )
    await fallsSilent(context, session, inbox)
  },
}

export const ackCases: readonly ContractCase[] = [ackStops, ackIsItsOwn, prefix, unsettledComesAgain, answersInOrder, settleTwice, manyAcks]

/**
 * Everything is acked: consumer after consumer is given a whole lease to find something. Repeats are legal for a while (each is acked too), but they must end.
 * Four consumers in a row that find something have found a driver that does not take acks.
 */
export async function fallsSilent(context: CaseContext, session: Session, inbox: Inbox): Promise<void> {
  const again: string[] = []
  let current = { session, inbox }
  for (let round = 0; round < 4; round++) {
    if (current.inbox.unsettled().length > 0) await current.inbox.settleAll('ack')
    current = await context.takeOver(current.session, current.inbox, () => 'ack')
    await context.waiting.until(context.now + context.silenceMs(inbox.place))
    if (current.inbox.arrivals.length === 0) return
    again.push(...current.inbox.distinct())
  }
  checkOrder(again, [], 'acked messages that keep coming')
}

/** `experiment` gives the acked messages that came again. Some now and then are legal; some in each of three experiments are a fault. */
async function seldomAgain(experiment: () => Promise<readonly string[]>): Promise<void> {
  let again: readonly string[] = []
  for (let time = 0; time < 3; time++) {
    again = await experiment()
    if (again.length === 0) return
  }
  checkOrder(again, [], 'acked messages that come again, time after time')
}
