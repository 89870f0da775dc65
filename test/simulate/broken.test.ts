import { Directive, type ProcessFunction } from '@busbar/core'
import type { ClaimResult, Driver, FencedStore, Outcome, SettleResult } from '@busbar/core/driver'
import { seededRandom } from '@busbar/memory'
import { describe, expect, it } from 'vitest'
import { alter } from '../mutants/alter.ts'
import { violations } from './check.ts'
import type { Job } from './jobs.ts'
import { settingOf, settings, type Plan, type Setting } from './plan.ts'
import { runSchedule } from './program.ts'
import type { Parts } from './world.ts'

const mostSeeds = 200
const rawStages: readonly string[] = ['telemetry', 'claim-check', 'decryption', 'decompression']

/** The first seed of each setting with which the checker finds a broken driver out by a sentence that matches `text`. */
async function findOut(text: RegExp, wrap: (driver: Driver) => Driver): Promise<Map<Setting, number>> {
  const found = new Map<Setting, number>()
  for (let seed = 1; seed <= mostSeeds && found.size < settings.length; seed++) {
    const setting = settingOf(seededRandom(seed))
    if (found.has(setting)) continue
    const { history, promised } = await runSchedule(seed, { driver: wrap })
    if (violations(history, promised).some((sentence) => text.test(sentence))) found.set(setting, seed)
  }
  return found
}

describe('the simulation finds out, in every setting, a driver', () => {
  it('that hands nothing back', { timeout: 60_000 }, async () => {
    const found = await findOut(/^drain: \d+ messages were not handed back before the connection was closed$/, (driver) =>
      alter(driver, { receiver: () => ({ handBack: async () => {} }) }),
    )
    expect(new Set(found.keys())).toEqual(new Set(settings))
  })

  it('that stays connected', { timeout: 60_000 }, async () => {
    const found = await findOut(/^drain: \d+ connections were left open$/, (driver) => alter(driver, { link: () => ({ close: async () => {} }) }))
    expect(new Set(found.keys())).toEqual(new Set(settings))
  })

  it('that claims to have settled one message and has not', { timeout: 60_000 }, async () => {
    const lies = (outcome: Outcome): boolean => outcome.delivery.incoming.id === 'm3'
    const found = await findOut(/^left: the broker has \d+ ready/, (driver) =>
      alter(driver, {
        settle: async (outcomes, next) => {
          const settled = [...(await next(outcomes.filter((outcome) => !lies(outcome))))]
          return outcomes.map((outcome) => (lies(outcome) ? 'durable' : (settled.shift() as SettleResult)))
        },
      }),
    )
    expect(new Set(found.keys())).toEqual(new Set(settings))
  })
})

/** What the checker says about the first program with these parts of which it says something like `text`; of many seeds. */
async function firstSaid(text: RegExp, make: () => Parts): Promise<string | undefined> {
  for (let seed = 1; seed <= mostSeeds; seed++) {
    const { history, promised } = await runSchedule(seed, make())
    const said = violations(history, promised).find((sentence) => text.test(sentence))
    if (said !== undefined) return said
  }
  return undefined
}

/** Bodies as handlers see them. */
const plainBodies: Partial<Plan> = { claims: false, compression: false, encryption: false }

describe('the simulation finds out', () => {
  it('a store that forgets completed keys', { timeout: 60_000 }, async () => {
    const forgetful = (sound: FencedStore): FencedStore => ({
      claim: async (request) => {
        const result = await sound.claim(request)
        return result.state === 'done' ? { state: 'claimed', fence: 0 } : result
      },
      renew: (claims, leaseMs) => sound.renew(claims, leaseMs),
      complete: (claim, value, ttlMs) => (claim.fence === 0 ? 'completed' : sound.complete(claim, value, ttlMs)),
      release: (claim) => sound.release(claim),
      scan: (prefix, options) => sound.scan(prefix, options),
    })
    const said = await firstSaid(/^effect: that of m\d+ took place 2 times, with 0 crashes between effect and completion$/, () => ({
      store: forgetful,
      plan: { idempotency: { whileUnavailable: 'wait' }, sendOnce: false },
    }))
    expect(said).toBeDefined()
  })

  /** As `idempotency`, but for what it does not expect of a store. */
  const trusting: Parts['chain'] = (chain, { tools: { store } }) => [
    ...chain.filter((middleware) => typeof middleware === 'object' && rawStages.includes(middleware.stage)),
    async (context, next) => {
      const key = `jobs:${context.incoming.id}`
      const owner = `${context.random()}`
      let answer: Partial<ClaimResult> | undefined
      try {
        answer = await store.claim({ key, owner, leaseMs: 20_000 })
      } catch {
        return new Directive('retry', { delayMs: 500, counts: false })
      }
      if (answer?.state === 'busy') return new Directive('retry', { delayMs: 500, counts: false })
      // Everything else is taken for a copy.
      if (answer?.state !== 'claimed' || answer.fence === undefined) return undefined
      const claim = { key, owner, fence: answer.fence }
      try {
        const value = await next()
        await store.complete(claim, '1||', 60_000)
        return value
      } catch (error) {
        await store.release(claim)
        throw error
      }
    },
  ]

  it('a middleware that takes nonsense of a store for an answer', { timeout: 60_000 }, async () => {
    const said = await firstSaid(/^lost: m\d+ was confirmed, and neither handled nor dead-lettered$/, () => ({
      chain: trusting,
      plan: { ...plainBodies, sendOnce: false, idempotency: { whileUnavailable: 'wait' } },
    }))
    expect(said).toBeDefined()
  })

  it('a middleware that waits for a store that hangs', { timeout: 60_000 }, async () => {
    const said = await firstSaid(/^left: the broker has \d+ ready, \d+ delayed, \d+ in flight/, () => ({
      chain: trusting,
      plan: { ...plainBodies, sendOnce: false, idempotency: { whileUnavailable: 'wait' } },
    }))
    expect(said).toBeDefined()
  })

  it('a fetching of bodies that deletes them before the ack', { timeout: 60_000 }, async () => {
    const said = await firstSaid(/^body: that of m\d+ was deleted before m\d+ was acked$/, () => ({
      chain: (chain, { tools }) => [
        async (context, next) => {
          const reference = context.incoming.headers['busbar-claim']
          const value = await next()
          if (reference === undefined || value instanceof Directive) return value
          const { k } = JSON.parse(reference) as { readonly k: string }
          await context.clock.external(Promise.resolve(tools.bodies.delete(k, { signal: context.signal })))
          return value
        },
        ...chain,
      ],
      plan: { claims: { minBytes: 512, deleteAfterAck: undefined }, large: 0.5 },
    }))
    expect(said).toBeDefined()
  })

  it('a fetching of bodies that is never told of the ack, and so deletes none', { timeout: 60_000 }, async () => {
    const said = await firstSaid(/^body: that of m\d+ was left behind, and the process that acked m\d+ lived on$/, () => ({
      chain: (chain) =>
        chain.map((middleware) =>
          typeof middleware === 'object' && middleware.stage === 'claim-check' ? { ...middleware, settled: () => undefined } : middleware,
        ),
      plan: { claims: { minBytes: 512, deleteAfterAck: undefined }, large: 0.5 },
    }))
    expect(said).toBeDefined()
  })

  const ackFirst: ProcessFunction = (context, next) => {
    context.message.ack().catch(() => undefined)
    return next()
  }
  const hasty = (): Parts => ({ chain: (chain) => [ackFirst, ...chain], plan: { ...plainBodies, idempotency: { whileUnavailable: 'wait' } } })

  it('a consumer that acks before its message is known as handled', { timeout: 60_000 }, async () => {
    expect(await firstSaid(/^settled: m\d+ was acked before the store of claims had it as handled/, hasty)).toBeDefined()
  })

  it('what a consumer loses that acks first', { timeout: 60_000 }, async () => {
    expect(await firstSaid(/^lost: m\d+ was confirmed, and neither handled nor dead-lettered$/, hasty)).toBeDefined()
  })

  it('a skip that loses the order of what waits behind the message', { timeout: 60_000 }, async () => {
    const said = await firstSaid(/^order: m\d+ \(number \d+\) was handled after number \d+ of key k\d+$/, () => {
      const skipped = new Set<string | undefined>()
      return {
        onSkip: (key) => void skipped.add(key),
        chain: (chain, { process, world }) => [
          async (context, next) => {
            const { key, body } = context.incoming
            if (!skipped.delete(key)) return next()
            // To the end, instead of in its place.
            await process.broker.producer(world.destination).send(JSON.parse(String(body)) as Job)
            return undefined
          },
          ...chain,
        ],
        plan: { ...plainBodies, blocks: true },
      }
    })
    expect(said).toBeDefined()
  })
})
