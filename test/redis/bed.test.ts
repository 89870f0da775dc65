import { Redis } from 'ioredis'
import { afterAll, describe, expect, it } from 'vitest'
import { skipOrFail, startRedis } from '../brokers/index.ts'

const bed = skipOrFail(await startRedis({ persistence: 'always', password: 'p@ss word', onProgress: (text) => console.log(text) }))

describe.skipIf(bed === undefined)('the test bed of Redis', { timeout: 30_000 }, () => {
  if (bed === undefined) return
  afterAll(() => bed[Symbol.asyncDispose]())

  /** A connection for one action, which fails instead of waiting. */
  async function once<T>(act: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(bed?.url ?? '', { lazyConnect: true, retryStrategy: () => null, connectTimeout: 500, commandTimeout: 500 })
    client.on('error', () => {})
    try {
      await client.connect()
      return await act(client)
    } finally {
      client.disconnect()
    }
  }

  it('is a Redis 7 that needs its password', async () => {
    expect(bed.version).toMatch(/^7\./)
    const without = new Redis(bed.url.replace(/:[^/]*@/, ''), { retryStrategy: () => null })
    without.on('error', () => {})
    await expect(without.get('x')).rejects.toThrow()
    without.disconnect()
  })

  it.each(['kill', 'stop'] as const)('keeps its data and port over %s and start', async (end) => {
    await once((client) => client.set(end, 'kept'))
    await bed[end]()
    await expect(once((client) => client.get(end))).rejects.toThrow()
    await bed.start()
    expect(await once((client) => client.get(end))).toBe('kept')
  })

  it('does not answer while paused', async () => {
    await bed.pause()
    await expect(once((client) => client.ping())).rejects.toThrow()
    await bed.resume()
    expect(await once((client) => client.ping())).toBe('PONG')
  })

  it('forgets its data over kill and start without persistence', async () => {
    const other = skipOrFail(await startRedis({ own: true }))
    if (other === undefined) return
    await using forgetful = other
    const client = new Redis(forgetful.url)
    client.on('error', () => {})
    await client.set('k', 'v')
    await forgetful.kill()
    await forgetful.start()
    expect(await client.get('k')).toBeNull()
    client.disconnect()
  })
})
