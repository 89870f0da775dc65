import type { Outcome } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, show } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import type { Inbox } from '../kit/inbox.ts'
import { holdMs } from '../kit/capabilities.ts'
import { numbered, textOf } from '../kit/messages.ts'
import { isTooLate } from '../settling/late.ts'

const bodies = numbered('m', 6)
const held = bodies.slice(1)

const shared: Omit<ContractCase, 'id' | 'kills' | 'title' | 'keyed'> = {
  examines: ['lease', 'settlement', 'redelivery'],
  applies: ({ settlement, lease }) => settlement !== false && lease !== false,
  faults: ['cutConnections'],
  waitsMs: (capabilities) => 2 * holdMs(capabilities),
  run: settleOldAfterCut,
}

const oldReceipts: ContractCase = {
  ...shared,
  id: 'reconnect/old-receipts',
  title: 'after a cut, settling deliveries of before it touches none of those that came since on the same receiver, however alike their receipts are',
  kills: ['tag-reused-after-reconnect'],
}

const oldReceiptsOfKeys: ContractCase = {
  ...shared,
  id: 'reconnect/old-receipts-of-keys',
  title: 'the same holds where messages have ordering keys',
  kills: ['tag-reused-after-reconnect'],
  keyed: true,
}

export const receiptCases: readonly ContractCase[] = [oldReceipts, oldReceiptsOfKeys]

/** Receipts that count from one again on every connection are off by one here: the first message is acked before the cut. */
async function settleOldAfterCut(context: CaseContext): Promise<void> {
  const place = await context.place()
  const session = await context.connect()
  // A broker that keeps keys back may let out only one message of each.
  const keyOf = (body: string): string => (place.capabilities.keyHold === 'broker' ? body : 'a')
  for (const body of bodies) await session.send(place, [{ body, ...(context.keyed ? { key: keyOf(body) } : {}) }])
  const inbox = await session.receive(place)
  await context.waiting.eventually(() => inbox.has(bodies), 'all messages arrive', context.againMs(place))
  await inbox.settleAll('ack', ['m-1'])
  // Where acks have no answer, this one must have reached the broker before the cut.
  await context.waiting.until(context.now + Math.min(context.harness.bounds.quietMs, holdMs(place.capabilities) / 4 || Number.POSITIVE_INFINITY))
  const old = inbox.unsettled()
  const before = inbox.arrivals.length
  await context.fault('cutConnections')()
  const again = (): string[] => inbox.arrivals.slice(before).map(({ text }) => text)
  await context.waiting.eventually(
    () => held.every((body) => again().includes(body)),
    () => `what was not settled comes again on the same receiver (cutConnections of the harness has to end its scopes); only ${show(again())} did`,
    context.harness.bounds.reconnectMs + context.againMs(place),
  )
  const ended = await settleOld(inbox, old)
  const next = await context.takeOver(session, inbox)
  const wanted = held.filter((body) => !ended.has(body))
  await context.waiting.eventually(
    () => next.inbox.has(wanted),
    () => `what nobody has settled comes to the next consumer: ${show(wanted)}; only ${show(next.inbox.distinct())} did`,
    context.againMs(place),
  )
  // At least one message was left alone: its old receipt was never used, or only to give it back.
  check(wanted.length > 0, 'some messages are left')
}

/** Acks some and gives one back. Bodies of those that the driver says to have ended. */
async function settleOld(inbox: Inbox, old: Inbox['arrivals'][number]['delivery'][]): Promise<ReadonlySet<string>> {
  const { redelivery } = inbox.place.capabilities
  const outcomes = old.flatMap((delivery): Outcome[] => {
    const text = textOf(delivery.incoming)
    if (text === 'm-2' || text === 'm-4') return [{ delivery, action: 'ack' }]
    return text === 'm-5' && redelivery.immediate ? [{ delivery, action: 'retry', delayMs: 0, attempt: 1 }] : []
  })
  const answers = await inbox.settle(outcomes)
  const ended = outcomes.filter(({ action }, index) => action === 'ack' && !isTooLate(answers[index]))
  return new Set(ended.map(({ delivery }) => textOf(delivery.incoming)))
}
