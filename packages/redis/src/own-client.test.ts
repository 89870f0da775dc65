import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import type { Redis } from 'ioredis'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeClient } from './own-client.ts'
import { resolveOptions } from './options.ts'
import { redisStore } from './redis-store.ts'

// It would be loaded in the time of the first call.
beforeAll(() => import('ioredis'))

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

/** A server, or what stands before one, that says the same to everything. */
async function serverThatSays(words: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined).on('data', () => socket.write(`-${words}\r\n`.repeat(10)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close())
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('a connection that cannot be had', () => {
  it.each([
    ['ERR the proxy has no upstream', 'ERR_UNAVAILABLE', true],
    ['WRONGPASS invalid username-password pair', 'ERR_ACCESS_DENIED', false],
  ])('because of %s is no refusal of the claim', async (words, code, retryable) => {
    const store = redisStore({ url: await serverThatSays(words), timeoutMs: 300 })
    closers.push(() => store.close())
    await expect(store.claim({ key: 'k', owner: 'o', leaseMs: 1_000 })).rejects.toMatchObject({ code, retryable, message: expect.stringContaining(words) })
  })
})

it('says of a key that is none that this is how it was set up', async () => {
  const store = redisStore({ url: 'rediss://127.0.0.1:1', tls: { key: 'no key' }, timeoutMs: 300 })
  closers.push(() => store.close())
  await expect(store.claim({ key: 'k', owner: 'o', leaseMs: 1_000 })).rejects.toMatchObject({ code: 'ERR_CONFIGURATION', retryable: false })
})

describe('a connection to what has become a replica', () => {
  it.each([
    "READONLY You can't write against a read only replica. script: 5ffd, on @user_script:36.",
    "ERR Error running script (call to f_5ffd): @user_script:36: @user_script: 36: -READONLY You can't write against a read only replica.",
  ])('is given up, as the server of every version says it: %s', async (words) => {
    const { source } = resolveOptions({ url: await serverThatSays('LOADING') })
    if (source.kind !== 'server') throw new Error(source.kind)
    const client = (await makeClient(source, 300)) as unknown as Redis
    closers.push(() => client.disconnect())
    expect(client.options.reconnectOnError?.(new Error(words))).toBe(true)
    expect(client.options.reconnectOnError?.(new Error('OOM'))).toBe(false)
  })
})
