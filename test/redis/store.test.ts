import { inspect } from 'node:util'
import { isBrokerError } from '@busbar/core'
import { redisStore, type RedisStore } from '@busbar/redis'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, it } from 'vitest'
import { skipOrFail, startProxy, startRedis } from '../brokers/index.ts'

const password = 'kept-secret'
const bed = skipOrFail(await startRedis({ persistence: 'always', password }))

let names = 0
const fresh = (): string => `case${++names}:`

/** Error code and milliseconds of a call that must not succeed. */
async function failureOf(call: Promise<unknown>): Promise<{ readonly code: string; readonly retryable: boolean; readonly ms: number; readonly text: string }> {
  const since = performance.now()
  try {
    await call
  } catch (error) {
    if (isBrokerError(error)) return { code: error.code, retryable: error.retryable, ms: performance.now() - since, text: inspect(error, { depth: 9 }) }
    throw error
  }
  throw new Error('the call succeeded')
}

async function claimed(store: RedisStore, key: string, owner = 'a'): Promise<{ key: string; owner: string; fence: number }> {
  const result = await store.claim({ key, owner, leaseMs: 60_000 })
  if (result.state !== 'claimed') throw new Error(`not claimed: ${JSON.stringify(result)}`)
  return { key, owner, fence: result.fence }
}

describe.skipIf(bed === undefined)('redisStore', { timeout: 30_000 }, () => {
  if (bed === undefined) return
  const admin = new Redis(bed.url)
  admin.on('error', () => {})
  afterAll(async () => {
    admin.disconnect()
    await bed[Symbol.asyncDispose]()
  })

  it('keeps one key per claim, each with an end, so that nothing is left behind for ever', async () => {
    const prefix = fresh()
    await using store = redisStore({ url: bed.url, prefix, fenceMemoryMs: 5_000 })
    await claimed(store, 'busy')
    await store.complete(await claimed(store, 'done'), 'value', 10_000)
    await store.release(await claimed(store, 'released'))
    const keys = await admin.keys(`${prefix}*`)
    expect(keys.toSorted()).toEqual(['busy', 'done', 'released'].map((key) => prefix + key))
    const left = Object.fromEntries(await Promise.all(keys.map(async (key) => [key.slice(prefix.length), await admin.pttl(key)] as const)))
    expect(left['busy']).toBeGreaterThan(60_000)
    expect(left['busy']).toBeLessThanOrEqual(65_000)
    expect(left['done']).toBeGreaterThan(10_000)
    expect(left['done']).toBeLessThanOrEqual(15_000)
    expect(left['released']).toBeGreaterThan(0)
    expect(left['released']).toBeLessThanOrEqual(5_000)
  })

  it.each([
    ['there are not so many', (url: URL) => (url.pathname = '/99'), 'ERR DB index is out of range', 'ERR_UNAVAILABLE'],
    ['its user may not', (url: URL) => Object.assign(url, { pathname: '/3', username: 'unselecting', password: 'p' }), 'NOPERM', 'ERR_ACCESS_DENIED'],
  ])('keeps nothing in another database than that of its URL, where %s', async (_, change, text, code) => {
    await admin.call('ACL', 'SETUSER', 'unselecting', 'on', '>p', '~*', '+@all', '-select')
    const prefix = fresh()
    const url = new URL(bed.url)
    change(url)
    await using store = redisStore({ url: url.href, prefix, timeoutMs: 500 })
    await expect(store.claim({ key: 'a', owner: 'a', leaseMs: 10_000 })).rejects.toMatchObject({ code, message: expect.stringContaining(text) })
    expect(await admin.keys(`${prefix}*`)).toEqual([])
  })

  it('keeps its claims in the database of its URL, also after a reconnection', async () => {
    const prefix = fresh()
    const url = new URL(bed.url)
    url.pathname = '/3'
    await using store = redisStore({ url: url.href, prefix })
    await claimed(store, 'a')
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await claimed(store, 'b')
    expect(await admin.keys(`${prefix}*`)).toEqual([])
  })

  it('raises fences even when all data has been lost, and when the clock of the server has stepped back', async () => {
    const prefix = fresh()
    await using store = redisStore({ url: bed.url, prefix })
    const first = await claimed(store, 'k')
    await admin.flushall()
    const second = await claimed(store, 'k', 'b')
    expect(second.fence).toBeGreaterThan(first.fence)
    // As if the claim had been made an hour ahead of the present time.
    const ahead = second.fence + 3_600_000_000
    await admin.set(`${prefix}k`, `r${ahead} 0 `)
    expect((await claimed(store, 'k', 'c')).fence).toBe(ahead + 1)
  })

  it('sends a script again that the server has forgotten', async () => {
    await using store = redisStore({ url: bed.url, prefix: fresh() })
    const claim = await claimed(store, 'k')
    await admin.script('FLUSH')
    const more = await Promise.all(Array.from({ length: 100 }, (_, index) => claimed(store, `k${index}`)))
    await admin.script('FLUSH')
    expect(await store.renew([claim, ...more], 60_000)).toEqual(Array.from({ length: 101 }, () => 'renewed'))
  })

  it.each(['text', 'list'])('refuses a key that holds a foreign %s', async (kind) => {
    const prefix = fresh()
    await using store = redisStore({ url: bed.url, prefix })
    if (kind === 'text') await admin.set(`${prefix}k`, 'something else')
    else await admin.rpush(`${prefix}k`, 'something else')
    expect(await failureOf(store.claim({ key: 'k', owner: 'a', leaseMs: 1_000 }))).toMatchObject({ code: 'ERR_CONFLICT', retryable: false })
  })

  it('works on a client that puts its own prefix before keys, and leaves a client open that is not its own', async () => {
    const client = new Redis(bed.url, { keyPrefix: 'app*:' })
    const prefix = fresh()
    const store = redisStore({ client, prefix })
    await store.complete(await claimed(store, 'one'), 'value', 60_000)
    await claimed(store, 'two')
    expect((await store.scan('', { limit: 10 })).claims.map(({ key }) => key).toSorted()).toEqual(['one', 'two'])
    expect(await admin.exists(`app*:${prefix}one`)).toBe(1)
    await store.close()
    expect(await client.ping()).toBe('PONG')
    client.disconnect()
    expect(await failureOf(store.claim({ key: 'k', owner: 'a', leaseMs: 1_000 }))).toMatchObject({ code: 'ERR_CLOSED', retryable: false })
  })

  it('takes a client alone, and closes one that it made by a function', async () => {
    const client = new Redis(bed.url)
    const plain = redisStore(client)
    await plain.release(await claimed(plain, fresh()))
    client.disconnect()
    const made: Redis[] = []
    const store = redisStore({
      client: async () => {
        made.push(new Redis(bed.url))
        return made[0] as Redis
      },
      prefix: fresh(),
    })
    expect(made.length).toBe(0)
    await Promise.all(Array.from({ length: 10 }, (_, index) => claimed(store, `k${index}`)))
    await store.close()
    await store.close()
    expect(made.length).toBe(1)
    await expect.poll(() => made[0]?.status).toBe('end')
  })

  it('says what is wrong with a login, and never with which password', async () => {
    const wrong = 'wr0ng-secret'
    const url = new URL(bed.url)
    url.password = wrong
    await using store = redisStore({ url: url.href, prefix: fresh(), timeoutMs: 300 })
    const failure = await failureOf(store.claim({ key: 'k', owner: 'a', leaseMs: 1_000 }))
    expect(failure).toMatchObject({ code: 'ERR_ACCESS_DENIED', retryable: false })
    expect(failure.text).toContain('WRONGPASS')
    expect(failure.text).not.toContain(wrong)
  })

  it('settles every call in time while Redis is frozen, and goes on when it is back', async () => {
    await using store = redisStore({ url: bed.url, prefix: fresh(), timeoutMs: 500 })
    await claimed(store, 'before')
    await bed.pause()
    const failures = await Promise.all(Array.from({ length: 200 }, (_, index) => failureOf(store.claim({ key: `k${index}`, owner: 'a', leaseMs: 60_000 }))))
    const late = await failureOf(store.scan('', { limit: 10 }))
    await bed.resume()
    for (const failure of [...failures, late]) {
      expect(['ERR_TIMEOUT', 'ERR_UNAVAILABLE']).toContain(failure.code)
      expect(failure.retryable).toBe(true)
      expect(failure.ms).toBeLessThan(1_500)
    }
    // Some of them may have been carried out; the owner has its claim all the same.
    await expect.poll(() => claimed(store, 'k7').then(() => 'claimed', String), { timeout: 5_000 }).toBe('claimed')
  })

  it('fails in time while Redis is down, waits for it within the limit, and repeats what was cut off', async () => {
    await using store = redisStore({ url: bed.url, prefix: fresh(), timeoutMs: 5_000 })
    await using hasty = redisStore({ url: bed.url, prefix: fresh(), timeoutMs: 300 })
    await claimed(store, 'before')
    await bed.kill()
    const waiting = Promise.all(Array.from({ length: 100 }, (_, index) => claimed(store, `k${index}`)))
    const failure = await failureOf(hasty.claim({ key: 'k', owner: 'a', leaseMs: 1_000 }))
    expect(failure).toMatchObject({ code: 'ERR_UNAVAILABLE', retryable: true })
    expect(failure.ms).toBeLessThan(1_000)
    expect(failure.text).not.toContain(password)
    await bed.start()
    expect((await waiting).length).toBe(100)
  })

  it('outlasts a fail-over during which its server takes no writes', async () => {
    await using store = redisStore({ url: bed.url, prefix: fresh() })
    await using hasty = redisStore({ url: bed.url, prefix: fresh(), timeoutMs: 200 })
    await claimed(store, 'before')
    await admin.replicaof('127.0.0.1', '1')
    expect(await failureOf(hasty.claim({ key: 'k', owner: 'a', leaseMs: 1_000 }))).toMatchObject({ code: 'ERR_UNAVAILABLE', retryable: true })
    const waiting = claimed(store, 'during')
    await admin.replicaof('NO', 'ONE')
    await waiting
  })

  it('is throttled by a server that has no memory left', async () => {
    await using store = redisStore({ url: bed.url, prefix: fresh(), timeoutMs: 500 })
    await claimed(store, 'before')
    await admin.config('SET', 'maxmemory', 1)
    const failure = await failureOf(store.claim({ key: 'k', owner: 'a', leaseMs: 1_000 }))
    await admin.config('SET', 'maxmemory', 0)
    expect(failure).toMatchObject({ code: 'ERR_THROTTLED', retryable: true })
  })

  it('notices a link that is dead without a word', async () => {
    await using proxy = await startProxy(Number(new URL(bed.url).port))
    await using store = redisStore({ url: proxy.through(bed.url), prefix: fresh(), timeoutMs: 500 })
    const claim = await claimed(store, 'k')
    proxy.freeze('both')
    expect(await failureOf(store.renew([claim], 60_000))).toMatchObject({ code: 'ERR_TIMEOUT', retryable: true })
    // What is frozen stays so; a new connection goes through.
    proxy.reset()
    proxy.thaw()
    expect(await store.renew([claim], 60_000)).toEqual(['renewed'])
  })

  it('does not run later what was given up while there was no connection', async () => {
    await using proxy = await startProxy(Number(new URL(bed.url).port))
    const client = new Redis(proxy.through(bed.url), { maxRetriesPerRequest: null })
    client.on('error', () => {})
    const prefix = fresh()
    const store = redisStore({ client, prefix, timeoutMs: 300 })
    await claimed(store, 'before')
    proxy.refuse(true)
    proxy.reset()
    await expect.poll(() => client.status).not.toBe('ready')
    expect(await failureOf(store.claim({ key: 'given-up', owner: 'a', leaseMs: 60_000 }))).toMatchObject({ code: 'ERR_UNAVAILABLE' })
    proxy.refuse(false)
    await expect.poll(() => client.status, { timeout: 5_000 }).toBe('ready')
    await claimed(store, 'after')
    expect(await admin.exists(`${prefix}given-up`)).toBe(0)
    client.disconnect()
  })

  it('ends waiting calls when it is closed', async () => {
    const store = redisStore({ url: 'redis://127.0.0.1:1', timeoutMs: 10_000 })
    const waiting = failureOf(store.claim({ key: 'k', owner: 'a', leaseMs: 1_000 }))
    await new Promise((resolve) => setTimeout(resolve, 100))
    await store.close()
    const failure = await waiting
    expect(failure.code).toBe('ERR_CLOSED')
    expect(failure.ms).toBeLessThan(1_000)
  })

  it('refuses cursors and leases that are none', async () => {
    await using store = redisStore({ url: bed.url, prefix: fresh() })
    await expect(store.scan('', { limit: 10, cursor: 'x' })).rejects.toThrow(TypeError)
    await expect(store.scan('', { limit: 0 })).rejects.toThrow(RangeError)
    await expect(store.claim({ key: 'k', owner: 'a', leaseMs: Number.NaN })).rejects.toThrow(RangeError)
  })

  it('scans past many foreign keys in pages that may be short', async () => {
    const prefix = fresh()
    const pipeline = admin.pipeline()
    for (let index = 0; index < 20_000; index++) pipeline.set(`foreign:${prefix}${index}`, 'x')
    await pipeline.exec()
    await using store = redisStore({ url: bed.url, prefix })
    const keys = Array.from({ length: 50 }, (_, index) => `k${index}`)
    for (const key of keys) await claimed(store, key)
    const found = new Set<string>()
    let cursor: string | undefined
    do {
      const page = await store.scan('k', cursor === undefined ? { limit: 20 } : { limit: 20, cursor })
      for (const { key } of page.claims) found.add(key)
      cursor = page.cursor
    } while (cursor !== undefined)
    expect([...found].toSorted()).toEqual(keys.toSorted())
  })
})
