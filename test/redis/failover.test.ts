import { isBrokerError } from '@busbar/core'
import { redisStore } from '@busbar/redis'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, it } from 'vitest'
import { skipOrFail } from '../brokers/index.ts'
import { startCluster } from './support/cluster.ts'

const cluster = skipOrFail(await startCluster(3, 1))

describe.skipIf(cluster === undefined)('redisStore when a replica takes over', { timeout: 40_000 }, () => {
  if (cluster === undefined) return
  afterAll(() => cluster[Symbol.asyncDispose]())

  it('goes on with all claims that were replicated: done ones stay done, running ones stay with their owners, fences go on', async () => {
    await using store = redisStore({ cluster: cluster.urls, timeoutMs: 2_000 })
    const keys = Array.from({ length: 60 }, (_, index) => `k${index}`)
    const claims = await Promise.all(
      keys.map(async (key) => {
        const result = await store.claim({ key, owner: 'first', leaseMs: 60_000 })
        if (result.state !== 'claimed') throw new Error(`${key} is ${result.state} at its first claim`)
        return { key, owner: 'first', fence: result.fence }
      }),
    )
    for (const claim of claims.slice(0, 30)) expect(await store.complete(claim, `value of ${claim.key}`, 60_000)).toBe('completed')
    const lost = new Redis(cluster.urls[0] ?? '')
    const held = (await lost.keys('*')).length
    expect(await lost.call('WAIT', 1, 5_000)).toBe(1)
    lost.disconnect()

    await cluster.nodes[0]?.kill()

    // Until the cluster has noticed, what the node had is unavailable, and nothing else.
    const state = async (key: string): Promise<string> => {
      try {
        const result = await store.claim({ key, owner: 'second', leaseMs: 60_000 })
        return result.state === 'done' ? result.value : result.state
      } catch (error) {
        return isBrokerError(error) && error.retryable ? 'unavailable' : String(error)
      }
    }
    const expected = keys.map((key, index) => (index < 30 ? `value of ${key}` : 'busy'))
    await expect.poll(() => Promise.all(keys.map(state)), { timeout: 25_000, interval: 500 }).toEqual(expected)
    expect(held).toBeGreaterThan(5)
    expect(await store.renew(claims.slice(30), 60_000)).toEqual(claims.slice(30).map(() => 'renewed'))
    expect(await store.release(claims[30]!)).toBe('released')
    const again = await store.claim({ key: 'k30', owner: 'second', leaseMs: 60_000 })
    expect(again.state === 'claimed' && again.fence > (claims[30]?.fence ?? Infinity)).toBe(true)
  })
})
