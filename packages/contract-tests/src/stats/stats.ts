import type { EndpointStats } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, show } from '../kit/assert.ts'
import { numbered } from '../kit/messages.ts'

const fields = ['ready', 'inFlight', 'delayed', 'oldestAgeMs'] as const

const counts: ContractCase = {
  id: 'stats/counts',
  title: 'exact counts are exact: ready, in flight and delayed messages; a field is there exactly when it is declared',
  examines: ['stats'],
  kills: ['stats-count-twice', 'stats-in-flight-zero', 'overclaims-stats'],
  applies: ({ stats, settlement }) => settlement !== false && (stats.ready !== 'none' || stats.inFlight !== 'none'),
  async run(context) {
    const place = await context.place()
    const { stats, delay } = place.capabilities
    const session = await context.connect()
    await session.send(place, numbered('m', 7))
    if (delay !== false) await session.send(place, [{ body: 'later', delayMs: Math.min(delay.maxMs, 600_000) }])
    const expect = async (wanted: { readonly ready: number; readonly inFlight: number }): Promise<void> => {
      await context.waiting.poll(
        () => statsOf(),
        (now) =>
          (stats.ready !== 'exact' || now.ready === wanted.ready) &&
          (stats.inFlight !== 'exact' || now.inFlight === wanted.inFlight) &&
          (stats.delayed !== 'exact' || now.delayed === (delay === false ? 0 : 1)),
        (now) => `stats are ${show(wanted)}; they were ${show(now)}`,
        context.harness.bounds.arrivalMs,
        100,
      )
    }
    const statsOf = (): Promise<EndpointStats> => {
      check(session.link.stats !== undefined, 'a link whose endpoint declares stats has them')
      return session.link.stats(place.source, new AbortController().signal)
    }
    await expect({ ready: 7, inFlight: 0 })
    const inbox = await session.receive(place, { window: { messages: 3, bytes: 1_000_000 } })
    await context.waiting.eventually(() => inbox.unsettled().length === 3, 'three are out', context.harness.bounds.arrivalMs)
    await expect({ ready: 4, inFlight: 3 })
    const now = await statsOf()
    for (const field of fields) {
      check((now[field] === undefined) === (stats[field] === 'none'), () => `${field} is there exactly when declared (${stats[field]}); it is ${now[field]}`)
    }
    await inbox.settleAll('ack')
  },
}

const age: ContractCase = {
  id: 'stats/oldest-age',
  title: 'the age of the oldest message is counted from its send',
  examines: ['stats'],
  kills: ['stats-age-zero'],
  applies: ({ stats, settlement }) => settlement !== false && stats.oldestAgeMs !== 'none',
  waitsMs: () => 5_000,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, ['oldest'])
    await context.waiting.until(context.now + 5_000)
    await session.send(place, ['younger'])
    const { oldestAgeMs } = (await session.link.stats?.(place.source, new AbortController().signal)) ?? { oldestAgeMs: undefined }
    check(
      oldestAgeMs !== undefined && oldestAgeMs >= 4_000 && oldestAgeMs <= 6_000 + context.harness.bounds.arrivalMs,
      () => `the oldest message is about 5,000 ms old, not ${oldestAgeMs}`,
    )
  },
}

const absent: ContractCase = {
  id: 'stats/absent-fields',
  title: 'a field that is not declared is not made up',
  examines: ['stats'],
  kills: ['stats-undeclared-told'],
  applies: ({ stats, settlement }) => settlement !== false && fields.some((field) => stats[field] === 'none'),
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, numbered('m', 3))
    const now = await session.link.stats?.(place.source, new AbortController().signal)
    const undeclared = fields.filter((field) => place.capabilities.stats[field] === 'none')
    for (const field of undeclared) check(now?.[field] === undefined, () => `${field} is not declared, and undefined; it is ${now?.[field]}`)
  },
}

export const statsCases: readonly ContractCase[] = [counts, age, absent]
