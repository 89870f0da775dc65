import { isBrokerError } from '@busbar/core'
import { describeStoreContract } from '@busbar/contract-tests/store'
import { redisStore } from '@busbar/redis'
import { Cluster, Redis } from 'ioredis'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { skipOrFail } from '../brokers/index.ts'
import { vitestRunner } from '../contract/harness/vitest-runner.ts'
import { startCluster } from './support/cluster.ts'
import { redisStoreHarness } from './support/redis-store-harness.ts'

vi.setConfig({ maxConcurrency: 16 })

const cluster = skipOrFail(await startCluster(3))

if (cluster !== undefined) {
  const certificate = describeStoreContract({ name: 'Redis cluster', harness: redisStoreHarness({ cluster }), runner: vitestRunner('concurrent') })
  afterAll(() => {
    // Without a proxy in front of every node no answer can be lost.
    expect(certificate.results.filter(({ outcome }) => outcome !== 'passed').map(({ id }) => id)).toEqual(['repeats/lost-answer', 'notes/lost-answer'])
  })
}

describe.skipIf(cluster === undefined)('redisStore on a cluster', { timeout: 30_000 }, () => {
  if (cluster === undefined) return
  afterAll(() => cluster[Symbol.asyncDispose]())

  it('spreads claims over all nodes, whatever braces their keys hold, and scans all of them', async () => {
    await using store = redisStore({ cluster: cluster.urls, prefix: 'spread:' })
    const keys = Array.from({ length: 300 }, (_, index) => `{same}:${index}`)
    await Promise.all(keys.map((key) => store.claim({ key, owner: 'a', leaseMs: 60_000 })))
    for (const { url } of cluster.nodes) {
      const client = new Redis(url)
      expect((await client.keys('spread:*')).length).toBeGreaterThan(50)
      client.disconnect()
    }
    const found: string[] = []
    let cursor: string | undefined
    do {
      const page = await store.scan('{same}:', cursor === undefined ? { limit: 40 } : { limit: 40, cursor })
      found.push(...page.claims.map(({ key }) => key))
      cursor = page.cursor
    } while (cursor !== undefined)
    expect(found.toSorted()).toEqual(keys.toSorted())
  })

  it('puts all claims on one slot where the prefix has a hash tag', async () => {
    const client = new Cluster(cluster.urls.slice(0, 1).map((url) => ({ host: '127.0.0.1', port: Number(new URL(url).port) })))
    await using store = redisStore({ client, prefix: '{one}:' })
    await Promise.all(Array.from({ length: 50 }, (_, index) => store.claim({ key: `k${index}`, owner: 'a', leaseMs: 60_000 })))
    const counts = await Promise.all(client.nodes('master').map(async (node) => (await node.keys('{one}:*')).length))
    expect(counts.toSorted((one, other) => one - other)).toEqual([0, 0, 50])
    client.disconnect()
  })

  it('fails in time for what a dead node has, and goes on when it is back', async () => {
    await using store = redisStore({ cluster: cluster.urls, prefix: 'dead:', timeoutMs: 1_000 })
    const claim = async (key: string): Promise<string> => {
      try {
        return (await store.claim({ key, owner: 'a', leaseMs: 60_000 })).state
      } catch (error) {
        return isBrokerError(error) && error.retryable ? 'unavailable' : String(error)
      }
    }
    expect(await claim('before')).toBe('claimed')
    await cluster.nodes[2]?.kill()
    const since = performance.now()
    const states = new Set(await Promise.all(Array.from({ length: 100 }, (_, index) => claim(`k${index}`))))
    expect(performance.now() - since).toBeLessThan(2_500)
    expect(states.has('unavailable')).toBe(true)
    expect([...states].every((state) => state === 'claimed' || state === 'unavailable')).toBe(true)
    await cluster.nodes[2]?.start()
    await expect
      .poll(async () => new Set(await Promise.all(Array.from({ length: 100 }, (_, index) => claim(`k${index}`)))), { timeout: 15_000 })
      .toEqual(new Set(['claimed']))
  })
})
