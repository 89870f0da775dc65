import type { Capabilities } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, show } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import type { Inbox } from '../kit/inbox.ts'
import { holdMs } from '../kit/capabilities.ts'

const hasLease = ({ lease }: Capabilities): boolean => lease !== false && lease.kind === 'message'

const expiry: ContractCase = {
  id: 'leases/expiry',
  title: 'an unsettled message comes again when its lease ends, and not before',
  examines: ['lease'],
  kills: ['lease-never-ends', 'lease-ends-early', 'overclaims-lease-ms'],
  applies: hasLease,
  waitsMs: holdMs,
  async run(context) {
    const { inbox } = await oneHeld(context)
    const ms = holdMs(inbox.place.capabilities)
    const heldSince = inbox.latest('m-1').at
    const before = inbox.arrivals.length
    await context.waiting.never(() => inbox.arrivals.length > before, 'the message comes before its lease ends', ms - (context.now - heldSince) - slack(ms))
    await context.waiting.eventually(
      () => inbox.arrivals.length > before,
      'the message comes again after its lease',
      slack(ms) + context.harness.bounds.arrivalMs,
    )
  },
}

const leaseUntil: ContractCase = {
  id: 'leases/lease-until',
  title: 'leaseUntil tells when the lease really ends, and extend moves it',
  examines: ['lease'],
  kills: ['lease-until-overstated', 'lease-until-not-moved'],
  applies: hasLease,
  async run(context) {
    const { inbox } = await oneHeld(context)
    const ms = holdMs(inbox.place.capabilities)
    const { delivery, at } = inbox.latest('m-1')
    const until: number | undefined = delivery.leaseUntil
    check(until !== undefined && until > context.now, 'a delivery with a lease of its own says when it ends')
    check(until <= at + ms, () => `leaseUntil is at most ${ms} ms after receipt, not ${until - at}`)
    const longer = ms + 5_000
    const [answer] = (await inbox.receiver.extend?.([delivery], longer)) ?? []
    check(answer === 'durable' || answer === 'accepted', () => `extend is taken; got ${show(answer)}`)
    check(delivery.leaseUntil !== undefined && delivery.leaseUntil > until, 'extend has moved leaseUntil')
    check(
      delivery.leaseUntil <= context.now + longer,
      () => `after extend, leaseUntil is at most ${longer} ms from now, not ${(delivery.leaseUntil ?? 0) - context.now}`,
    )
  },
}

const extend: ContractCase = {
  id: 'leases/extend',
  title: 'an extended lease holds as long as asked, then ends',
  examines: ['lease'],
  kills: ['extend-no-op', 'extend-for-ever', 'extend-once'],
  applies: hasLease,
  waitsMs: (capabilities) => 3 * holdMs(capabilities),
  async run(context) {
    const { inbox } = await oneHeld(context)
    const ms = holdMs(inbox.place.capabilities)
    const before = inbox.arrivals.length
    const copies = inbox.unsettled()
    // Two renewals at half time: without them the lease would have ended twice.
    for (let time = 0; time < 3; time++) {
      await context.waiting.never(() => inbox.arrivals.length > before, 'the message comes although its lease is extended', ms / 2)
      const answers = (await inbox.receiver.extend?.(copies, ms)) ?? []
      check(
        answers.length === copies.length && answers.every((answer) => answer === 'durable' || answer === 'accepted'),
        () => `extension ${time + 1} is taken; got ${show(answers)}`,
      )
    }
    await context.waiting.never(() => inbox.arrivals.length > before, 'the message comes although its lease is extended', ms - slack(ms))
    await context.waiting.eventually(
      () => inbox.arrivals.length > before,
      'the message comes again after the last extension',
      slack(ms) + context.harness.bounds.arrivalMs,
    )
  },
}

const extendOnlyItsOwn: ContractCase = {
  id: 'leases/extend-only-its-own',
  title: 'extending some leases in one call extends those and no others, and answers for each',
  examines: ['lease'],
  kills: ['extend-skips-last', 'extend-all'],
  applies: hasLease,
  waitsMs: (capabilities) => 2 * holdMs(capabilities),
  async run(context) {
    const place = await context.place()
    const ms = holdMs(place.capabilities)
    const session = await context.connect()
    await session.send(place, ['m-1', 'm-2', 'm-3'])
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(['m-1', 'm-2', 'm-3']), 'all messages arrive', context.harness.bounds.arrivalMs)
    await context.waiting.until(context.now + ms / 2)
    const before = inbox.arrivals.length
    const extended = inbox.unsettled(['m-1', 'm-3'])
    const answers = (await inbox.receiver.extend?.(extended, ms)) ?? []
    check(answers.length === extended.length, 'extend answers once per delivery')
    const again = (text: string): boolean => inbox.arrivals.slice(before).some((arrival) => arrival.text === text)
    await context.waiting.eventually(
      () => again('m-2'),
      'the message that was not extended comes again',
      ms / 2 + Math.min(context.harness.bounds.arrivalMs, ms / 3),
    )
    check(!again('m-1') && !again('m-3'), 'the extended messages stay')
  },
}

const extendDead: ContractCase = {
  id: 'leases/extend-after-loss',
  title: 'extending a lease that another consumer now holds is answered too-late and takes nothing from the new holder',
  examines: ['lease'],
  kills: ['extend-revives', 'lease-until-moved-too-late'],
  applies: hasLease,
  waitsMs: (capabilities) => 2 * holdMs(capabilities),
  async run(context) {
    const { session, inbox } = await oneHeld(context)
    const { delivery } = inbox.latest('m-1')
    const ms = holdMs(inbox.place.capabilities)
    const next = await context.takeOver(session, inbox)
    await context.waiting.eventually(() => next.inbox.has(['m-1']), 'the message comes to the next consumer', context.againMs(inbox.place))
    const takenAt = context.now
    const [answer] = (await inbox.receiver.extend?.([delivery], ms * 2)) ?? []
    const dead = answer === 'too-late' || (typeof answer === 'object' && answer.error.code === 'ERR_TOO_LATE')
    check(dead, () => `extend is answered too-late, not ${show(answer)}`)
    const until = delivery.leaseUntil
    check(
      until === undefined || until < takenAt + ms,
      () => `an extension that is too late leaves leaseUntil as it was; it is ${(until ?? 0) - takenAt} ms later`,
    )
    await next.inbox.receiver.pause()
    const third = await (await context.connect()).receive(inbox.place)
    await context.waiting.eventually(
      () => third.has(['m-1']),
      "the new holder's lease ends when it would have ended",
      takenAt + ms - context.now + context.harness.bounds.arrivalMs,
    )
  },
}

export const messageLeaseCases: readonly ContractCase[] = [expiry, leaseUntil, extend, extendOnlyItsOwn, extendDead]

/** Real clocks of broker and client differ: a lease may end this much before its time. */
function slack(ms: number): number {
  return Math.min(500, ms / 10)
}

async function oneHeld(context: CaseContext): Promise<{ readonly session: Awaited<ReturnType<CaseContext['connect']>>; readonly inbox: Inbox }> {
  const place = await context.place()
  const session = await context.connect()
  await session.send(place, ['m-1'])
  const inbox = await session.receive(place)
  await context.waiting.eventually(() => inbox.has(['m-1']), 'the message arrives', context.harness.bounds.arrivalMs)
  // Copies of the broker's own making come now or never.
  await context.waiting.until(context.now + Math.min(1_000, holdMs(place.capabilities) / 10))
  return { session, inbox }
}
