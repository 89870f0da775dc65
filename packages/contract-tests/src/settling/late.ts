import type { SettleResult } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, show } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import type { Inbox } from '../kit/inbox.ts'
import { holdMs } from '../kit/capabilities.ts'
import { numbered, textOf } from '../kit/messages.ts'
import type { Session } from '../kit/session.ts'

const lateAnswerIsTrue: ContractCase = {
  id: 'settling/late-answer-is-true',
  title: 'a settle that comes after the lease was lost says what it did: too-late leaves the message, anything else ends it',
  examines: ['lease', 'settlement'],
  kills: ['late-ack-claims-durable'],
  applies: ({ settlement, lease }) => settlement !== false && lease !== false,
  waitsMs: (capabilities) => 2 * holdMs(capabilities),
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, ['m-1'])
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(['m-1']), 'the message arrives', context.harness.bounds.arrivalMs)
    // Nobody else has it yet when the late ack comes: from then on some brokers can no longer tell.
    await inbox.receiver.pause()
    if (holdMs(place.capabilities) === 0) await session.handBack(inbox)
    await context.waiting.until(context.now + holdMs(place.capabilities) + Math.min(1_000, context.harness.bounds.quietMs))
    const answers = await inbox.settleAll('ack')
    const next = await (await context.connect()).receive(place)
    if (answers.some(isTooLate)) {
      await context.waiting.eventually(() => next.has(['m-1']), 'the message of a settle that was too late comes again', context.harness.bounds.arrivalMs)
    } else {
      check(
        answers.every((answer) => answer === 'durable' || answer === 'accepted'),
        () => `the answer is durable, accepted or too-late; got ${show(answers)}`,
      )
      await context.waiting.never(
        () => next.has(['m-1']),
        `a message whose late ack was answered ${show(answers)} comes again`,
        holdMs(place.capabilities) + context.harness.bounds.quietMs,
      )
    }
  },
}

const lateTouchesNoOther: ContractCase = {
  id: 'settling/late-touches-no-other',
  title: 'a settle that comes after the lease was lost never ends another message, however alike their receipts are',
  examines: ['lease', 'settlement'],
  kills: ['late-ack-deletes-in-secret', 'late-ack-ends-another'],
  applies: ({ settlement, lease }) => settlement !== false && lease !== false,
  waitsMs: (capabilities) => 2 * holdMs(capabilities),
  async run(context) {
    const { old, next } = await lose(context, numbered('m', 3))
    // The new consumer is in the middle of its own messages when the old one settles all that it once had, but one.
    await next.session.send(old.inbox.place, numbered('n', 3))
    await context.waiting.eventually(() => next.inbox.has(numbered('n', 3)), 'new messages arrive', context.harness.bounds.arrivalMs)
    const late = old.inbox.arrivals.filter(({ text }) => text !== 'm-1').map(({ delivery }) => delivery)
    const answers = await old.inbox.settle(late.map((delivery) => ({ delivery, action: 'ack' })))
    const again = await context.takeOver(next.session, next.inbox)
    const untouched = ['m-1', ...numbered('n', 3), ...late.filter((_, index) => isTooLate(answers[index])).map(({ incoming }) => textOf(incoming))]
    await context.waiting.eventually(
      () => again.inbox.has(untouched),
      () => `messages that nobody acked come again; only ${show(again.inbox.distinct())} did`,
      context.againMs(old.inbox.place),
    )
  },
}

const lateRetry: ContractCase = {
  id: 'settling/late-retry',
  title: 'giving back a message after its lease was lost does not take it from its new holder',
  examines: ['lease', 'redelivery'],
  kills: ['late-retry-steals'],
  applies: ({ settlement, lease, redelivery }) => settlement !== false && settlement.mode === 'individual' && lease !== false && redelivery.immediate,
  waitsMs: (capabilities) => 2 * holdMs(capabilities),
  async run(context) {
    const { old, next } = await lose(context, ['m-1'])
    const [first] = old.inbox.arrivals
    check(first !== undefined, 'the message arrived before')
    const seen = next.inbox.arrivals.length
    const third = await context.connect()
    const thief = await third.receive(old.inbox.place)
    await old.inbox.settle([{ delivery: first.delivery, action: 'retry', delayMs: 0, attempt: 1 }])
    await context.waiting.never(
      () => next.inbox.arrivals.length > seen + 1 || thief.arrivals.length > 1,
      'the message is delivered again although its new holder still has it',
      Math.min(context.harness.bounds.quietMs, holdMs(old.inbox.place.capabilities) / 2 || context.harness.bounds.quietMs),
    )
    check(thief.arrivals.length === 0, 'the message stays with its new holder')
  },
}

export const lateCases: readonly ContractCase[] = [lateAnswerIsTrue, lateTouchesNoOther, lateRetry]

/** Delivers messages to one consumer, takes its hold away without settling, and delivers them to another. */
async function lose(
  context: CaseContext,
  bodies: readonly string[],
): Promise<{ readonly old: { readonly session: Session; readonly inbox: Inbox }; readonly next: { readonly session: Session; readonly inbox: Inbox } }> {
  const place = await context.place()
  const session = await context.connect()
  await session.send(place, bodies)
  const inbox = await session.receive(place)
  await context.waiting.eventually(() => inbox.has(bodies), 'all messages arrive', context.harness.bounds.arrivalMs)
  const next = await context.takeOver(session, inbox)
  await context.waiting.eventually(() => next.inbox.has(bodies), 'all messages come to the next consumer', context.againMs(place))
  return { old: { session, inbox }, next }
}

export function isTooLate(answer: SettleResult | undefined): boolean {
  return answer === 'too-late' || (typeof answer === 'object' && answer.error.code === 'ERR_TOO_LATE')
}
