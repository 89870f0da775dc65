import type { Capabilities } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, NotApplicable, NotExamined, show } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import type { Inbox } from '../kit/inbox.ts'
import { numbered } from '../kit/messages.ts'

/** What "no limit" is watched for, where the clock allows it. */
const dayMs = 86_400_000
const holdOf = ({ lease }: Capabilities): number => (lease === false || lease.kind === 'message' ? 0 : lease.maxHoldMs === false ? dayMs : lease.maxHoldMs)

const longestHold: ContractCase = {
  id: 'leases/longest-hold',
  title: 'an unsettled delivery stays ours for as long as a scope is declared to hold, and can be settled then',
  examines: ['lease'],
  kills: ['overclaims-lease-scope', 'overclaims-lease-max-hold'],
  applies: ({ lease }) => lease !== false && lease.kind === 'scope',
  waitsMs: holdOf,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, numbered('m', 3))
    const inbox = await session.receive(place)
    const startedAt = context.now
    await context.waiting.eventually(() => inbox.has(numbered('m', 3)), 'all messages arrive', context.harness.bounds.arrivalMs)
    await context.waiting.until(context.now + context.harness.bounds.quietMs)
    const before = inbox.arrivals.length
    const untilMs = startedAt + holdOf(place.capabilities) * 0.98
    await context.waiting.never(
      () => inbox.arrivals.length > before || inbox.lostScopes.size > 0,
      'held messages are lost or come again before the longest hold declared is over',
      untilMs - context.now,
    )
    const answers = await inbox.settleAll('ack')
    check(
      answers.every((answer) => answer === 'durable' || answer === 'accepted'),
      () => `what was held so long can be settled; got ${show(answers)}`,
    )
  },
}

const noExtension: ContractCase = {
  id: 'leases/no-extension',
  title: 'without a lease per message there is nothing to extend, and no time at which a delivery ends',
  examines: ['lease'],
  kills: ['extends-what-has-no-lease'],
  applies: ({ lease, settlement }) => settlement !== false && (lease === false || lease.kind === 'scope'),
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, ['m-1'])
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(['m-1']), 'the message arrives', context.harness.bounds.arrivalMs)
    check(inbox.receiver.extend === undefined, 'a receiver without leases per message has no extend')
    const { leaseUntil } = inbox.latest('m-1').delivery
    check(leaseUntil === undefined, () => `a delivery without a lease of its own has no leaseUntil; it is ${leaseUntil}`)
  },
}

const longestLease: ContractCase = {
  id: 'leases/longest-lease',
  title: 'a lease can be extended up to the declared limit and then holds so long; asking for more does not end it',
  examines: ['lease'],
  kills: ['overclaims-lease-max', 'extend-too-far-ends-lease'],
  applies: ({ lease }) => lease !== false && lease.kind === 'message',
  async run(context) {
    const { inbox, receivedAt, ms, maxMs } = await oneLeased(context)
    const copies = inbox.unsettled()
    const margin = Math.min(2_000, maxMs / 10)
    const longest = Math.floor(receivedAt + maxMs - margin - context.now)
    if (longest <= ms) throw new NotApplicable('the longest lease is the one that every delivery has')
    const answers = (await inbox.receiver.extend?.(copies, longest)) ?? []
    check(
      answers.length === copies.length && answers.every((answer) => answer === 'durable' || answer === 'accepted'),
      () => `an extension to ${maxMs} ms after receipt is taken; got ${show(answers)}`,
    )
    const until = Math.min(...copies.map(({ leaseUntil }) => leaseUntil ?? 0))
    check(until >= context.now + longest - margin, () => `leaseUntil is ${longest} ms from now, not ${until - context.now}`)
    const before = inbox.arrivals.length
    const beyond = (await inbox.receiver.extend?.(copies, maxMs + ms)) ?? []
    check(beyond.length === copies.length && !beyond.includes('too-late'), () => `more than that is refused or taken, not too late; got ${show(beyond)}`)
    const { longestWaitMs } = context.harness.bounds
    await context.waiting.never(
      () => inbox.arrivals.length > before,
      'the message comes although its lease is extended',
      Math.min(longest, longestWaitMs) - margin,
    )
    if (longest > longestWaitMs)
      throw new NotExamined(`the longest lease is taken; whether it holds takes ${maxMs} ms, more than this harness waits (${longestWaitMs})`)
  },
}

export const leaseLimitCases: readonly ContractCase[] = [longestHold, noExtension, longestLease]

async function oneLeased(context: CaseContext): Promise<{ readonly inbox: Inbox; readonly receivedAt: number; readonly ms: number; readonly maxMs: number }> {
  const place = await context.place()
  const { lease } = place.capabilities
  check(lease !== false && lease.kind === 'message', 'a lease per message is declared')
  const session = await context.connect()
  await session.send(place, ['m-1'])
  const receivedAt = context.now
  const inbox = await session.receive(place)
  await context.waiting.eventually(() => inbox.has(['m-1']), 'the message arrives', context.harness.bounds.arrivalMs)
  // Copies of the broker's own making come now or never.
  await context.waiting.until(context.now + Math.min(1_000, lease.ms / 10))
  return { inbox, receivedAt, ms: lease.ms, maxMs: lease.maxMs }
}
