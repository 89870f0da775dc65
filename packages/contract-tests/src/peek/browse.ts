import type { BrowsePage } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { isBrokerError } from '@busbar/core'
import { check, checkOrder, show } from '../kit/assert.ts'
import { claimsOf } from '../kit/claims.ts'
import { numbered, textOf } from '../kit/messages.ts'
import { describe, rejectionOf } from '../kit/refusal.ts'
import type { Place } from '../kit/place.ts'
import type { Session } from '../kit/session.ts'

const pageSize = 10

const pages: ContractCase = {
  id: 'peek/pages',
  title: 'an exact peek shows everything page by page, each page no longer than asked, and disturbs nothing',
  examines: ['peek'],
  kills: ['browse-cursor-lost', 'browse-page-too-long', 'overclaims-peek'],
  applies: ({ peek, settlement }) => peek === 'exact' && settlement !== false,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const bodies = numbered('m', 25)
    await session.send(place, bodies)
    for (let look = 1; look <= 2; look++) checkOrder(await browseAll(session, place), bodies, `look ${look}`)
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(bodies), 'what was looked at is delivered', context.harness.bounds.arrivalMs)
    const counts = inbox.arrivals.slice(0, bodies.length).map(({ delivery }) => delivery.brokerAttempts)
    check(
      counts.every((count) => count === undefined || count === 1),
      () => `looking raises no delivery count; counts are ${show(counts)}`,
    )
    await inbox.settleAll('ack')
  },
}

const absent: ContractCase = {
  id: 'peek/absent',
  title: 'a driver that claims an exact peek for nothing has no browse; one that claims it for others refuses what it cannot show',
  examines: ['peek'],
  kills: ['browses-without-saying', 'browses-nothing'],
  applies: ({ peek }) => peek !== 'exact',
  async run(context) {
    const { link } = await context.connect()
    const claims = Object.values(claimsOf(context.harness)).flatMap(({ keyed, unkeyed }) => [keyed, unkeyed])
    const others = claims.some((claim) => !('refused' in claim) && claim.peek === 'exact')
    check((link.browse !== undefined) === others, 'a link has browse if and only if peek is exact somewhere')
    if (!others) return
    const place = await context.place()
    const look = async (): Promise<unknown> => link.browse?.(place.source, { limit: 1 }, new AbortController().signal)
    const error = await rejectionOf(look, 'browse of an endpoint without an exact peek')
    check(isBrokerError(error) && error.code === 'ERR_UNSUPPORTED', () => `it is refused with ERR_UNSUPPORTED; got ${describe(error)}`)
  },
}

export const browseCases: readonly ContractCase[] = [pages, absent]

async function browseAll({ link }: Session, place: Place): Promise<string[]> {
  check(link.browse !== undefined, 'a link has browse where an exact peek is claimed')
  const texts: string[] = []
  let cursor: string | undefined
  // As many pages again as it takes: a cursor that never ends must not keep the case busy.
  for (let page = 0; page < 6; page++) {
    const { messages, cursor: next }: BrowsePage = await link.browse(
      place.source,
      { limit: pageSize, ...(cursor === undefined ? {} : { cursor }) },
      new AbortController().signal,
    )
    check(messages.length <= pageSize, () => `a page has at most ${pageSize} messages, not ${messages.length}`)
    texts.push(...messages.map(textOf))
    cursor = next
    if (cursor === undefined) break
  }
  return texts
}
