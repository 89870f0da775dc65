import { afterAll, describe, expect, it } from 'vitest'
import { skipOrFail, startKinesis, startRedis } from '../brokers/index.ts'
import { groupRun } from './support/group-run.ts'

const bed = await startKinesis()
const redis = skipOrFail(await startRedis({}))
afterAll(async () => {
  await bed[Symbol.asyncDispose]()
  await redis?.[Symbol.asyncDispose]()
})

describe.skipIf(redis === undefined)('three processes over Redis, one of which is killed every few seconds while the stream is split and merged', () => {
  it('lose nothing, keep the order of each truck, and repeat no more than what was not written down', { timeout: 120_000 }, async () => {
    const account = { url: bed.url, credentials: bed.account() }
    // Claims of idempotency outlive whoever was killed by twenty seconds, which the end waits for: a short run. `npm run test:full` has a long one.
    const { messages, kills, reshards, wrong, repeated, behindMs } = await groupRun({ account, redisUrl: redis?.url ?? '', rounds: 60, killEveryMs: 2_500 })
    expect(wrong).toEqual([])
    expect(repeated.plain).toBeLessThanOrEqual(repeated.mostPlain)
    expect(repeated.once).toBeLessThanOrEqual(repeated.mostOnce)
    expect([kills, reshards].every((count) => count >= 2)).toBe(true)
    expect(behindMs).toBe(0)
    console.log(
      `${messages} messages, ${kills} kills, ${reshards} reshards: ${repeated.plain} repeated (at most ${repeated.mostPlain}), ${repeated.once} with idempotency`,
    )
  })
})
