import type { SettleResult } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, show } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import { holdMs } from '../kit/capabilities.ts'
import { outcomeOf } from '../kit/inbox.ts'

const answersInOrder: ContractCase = {
  id: 'settling/answers-in-order',
  title: 'in calls of extend and settle that hold dead receipts and a living one, the answers are in the order of the deliveries',
  examines: ['settlement', 'lease'],
  kills: ['answers-reversed', 'extend-answers-reversed'],
  applies: ({ settlement, lease }) => settlement !== false && settlement.maxBatch >= 3 && lease !== false && lease.kind === 'message',
  waitsMs: holdMs,
  run: async (context) => settleOldAndFresh(context),
}

const answersInOrderAfterCut: ContractCase = {
  id: 'reconnect/answers-in-order',
  title: 'in a call of settle that holds deliveries of before a cut and one of after it, the answers are in the order of the deliveries',
  examines: ['settlement', 'lease'],
  kills: ['answers-reversed-after-cut'],
  applies: ({ settlement, lease, redelivery }) =>
    settlement !== false && settlement.maxBatch >= 3 && lease !== false && lease.kind === 'scope' && redelivery.onReconnect,
  faults: ['cutConnections'],
  run: async (context) => settleOldAndFresh(context, context.fault('cutConnections')),
}

export const orderOfAnswersCases: readonly ContractCase[] = [answersInOrder, answersInOrderAfterCut]

const old = ['m-1', 'm-2']

/** What is answered for the old ones is the driver's affair: some brokers take a late ack. The fresh one is held, and has to be taken. */
async function settleOldAndFresh(context: CaseContext, lose: () => Promise<void> = async () => {}): Promise<void> {
  const { arrivalMs, reconnectMs } = context.harness.bounds
  const place = await context.place()
  const session = await context.connect()
  await session.send(place, old)
  const inbox = await session.receive(place)
  await context.waiting.eventually(() => inbox.has(old), 'both messages arrive', arrivalMs)
  const dead = old.map((text) => inbox.latest(text).delivery)
  const before = inbox.arrivals.length
  await lose()
  await context.waiting.eventually(
    () => old.every((text) => inbox.arrivals.slice(before).some((arrival) => arrival.text === text)),
    'what is not settled comes again',
    reconnectMs + context.againMs(place),
  )
  await context.waiting.poll(
    async () => (await session.trySend(place, [{ body: 'fresh' }]))[0],
    (answer) => answer?.ok === true,
    (answer) => `a send succeeds; the last answer was ${show(answer)}`,
    reconnectMs,
    50,
  )
  await context.waiting.eventually(() => inbox.has(['fresh']), 'the fresh message arrives', reconnectMs + arrivalMs)
  const deliveries = [...dead, inbox.latest('fresh').delivery]
  const last = (what: string, answers: readonly SettleResult[] | undefined): void =>
    check(
      answers === undefined || (answers.length === deliveries.length && (answers.at(-1) === 'durable' || answers.at(-1) === 'accepted')),
      () => `${what} of two dead receipts and a living one, in that order, takes the last; got ${show(answers)}`,
    )
  last('extend', await inbox.receiver.extend?.(deliveries, holdMs(place.capabilities)))
  last('settle', await inbox.settle(deliveries.map((delivery) => outcomeOf(delivery, 'ack'))))
}
