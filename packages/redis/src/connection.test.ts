import { EventEmitter } from 'node:events'
import { systemClock } from '@busbar/core'
import { describe, expect, it } from 'vitest'
import type { RedisClient } from './client.ts'
import { Connection } from './connection.ts'

/** A client whose state the test decides. */
class ScriptedClient extends EventEmitter implements RedisClient {
  status = 'connecting'
  closed = false
  evalsha = (): Promise<unknown> => Promise.resolve()
  eval = (): Promise<unknown> => Promise.resolve()
  scan = (): Promise<[string, string[]]> => Promise.resolve(['0', []])
  connect = (): Promise<unknown> => Promise.resolve()
  disconnect(): void {
    this.closed = true
  }
  enter(status: string): void {
    this.status = status
    this.emit(status)
  }
}

function setup(options: { owned?: boolean } = {}): { client: ScriptedClient; connection: Connection } {
  const client = new ScriptedClient()
  // A client that emits errors nobody listens to would throw.
  client.on('error', () => {})
  return { client, connection: new Connection({ open: () => client, owned: options.owned ?? true, timeoutMs: 400, clock: systemClock }) }
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

describe('Connection', () => {
  it('gives the client nothing before it is connected, and everything then', async () => {
    const { client, connection } = setup()
    let calls = 0
    const running = Array.from({ length: 100 }, () => connection.run('claim', async () => ++calls))
    await turn()
    expect(calls).toBe(0)
    // However many wait, they listen once.
    expect(client.listenerCount('ready')).toBe(1)
    client.enter('ready')
    await Promise.all(running)
    expect([calls, client.listenerCount('ready'), client.listenerCount('error')]).toEqual([100, 0, 1])
  })

  it('tells why there was no connection', async () => {
    const { client, connection } = setup()
    const running = connection.run('claim', async () => 1)
    await turn()
    client.emit('error', new Error('connect ECONNREFUSED'))
    await expect(running).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE', message: 'redis: claim: no connection within 400 ms: connect ECONNREFUSED' })
  })

  it('ends a call that gets no answer', async () => {
    const { client, connection } = setup()
    client.status = 'ready'
    await expect(connection.run('claim', () => new Promise(() => {}))).rejects.toMatchObject({ code: 'ERR_TIMEOUT', retryable: true })
  })

  it('repeats what was cut off, and not what was refused', async () => {
    const { client, connection } = setup()
    client.status = 'ready'
    let calls = 0
    const cut = (): Promise<number> => (++calls < 3 ? Promise.reject(new Error('Connection is closed.')) : Promise.resolve(calls))
    expect(await connection.run('claim', cut)).toBe(3)
    const refuse = (): Promise<never> => {
      calls++
      return Promise.reject(new Error('NOPERM no permission'))
    }
    await expect(connection.run('claim', refuse)).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED' })
    expect(calls).toBe(4)
  })

  it('says what failed last when there is no time for another attempt', async () => {
    const { client, connection } = setup()
    client.status = 'ready'
    await expect(connection.run('claim', () => Promise.reject(new Error('LOADING')))).rejects.toMatchObject({
      code: 'ERR_UNAVAILABLE',
      message: 'redis: claim: LOADING',
    })
  })

  it('opens again what could not be opened, and what has ended', async () => {
    const clients: ScriptedClient[] = []
    let failures = 1
    const connection = new Connection({
      open: async () => {
        if (failures-- > 0) throw new Error('not yet')
        const client = new ScriptedClient()
        client.status = clients.length === 0 ? 'end' : 'ready'
        clients.push(client)
        return client
      },
      owned: true,
      timeoutMs: 1_000,
      clock: systemClock,
    })
    expect(await connection.run('claim', async (client) => client.status)).toBe('ready')
    expect(clients.length).toBe(2)
  })

  it('waits for what could not be opened, whatever it was: none of it is the fault of a call', async () => {
    const open = (): Promise<never> => Promise.reject(new TypeError('fetch failed'))
    const connection = new Connection({ open, owned: true, timeoutMs: 200, clock: systemClock })
    await expect(connection.run('claim', async () => 1)).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE', message: 'redis: opening the client: fetch failed' })
  })

  it('is closed in time also if its client is never there, and closes it when it comes', async () => {
    const { promise, resolve } = Promise.withResolvers<ScriptedClient>()
    const connection = new Connection({ open: () => promise, owned: true, timeoutMs: 200, clock: systemClock })
    await expect(connection.run('claim', async () => 1)).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
    await connection.close()
    const client = new ScriptedClient()
    resolve(client)
    await turn()
    expect(client.closed).toBe(true)
  })

  it('replaces a client that has ended once, however many calls wait for it', async () => {
    const clients: ScriptedClient[] = []
    const open = async (): Promise<ScriptedClient> => {
      const client = new ScriptedClient()
      client.on('error', () => {})
      clients.push(client)
      if (clients.length === 2) throw new Error('not yet')
      if (clients.length === 3) client.status = 'ready'
      return client
    }
    const connection = new Connection({ open, owned: true, timeoutMs: 2_000, clock: systemClock })
    const call = (): Promise<string> => connection.run('claim', async (client) => client.status)
    const running = Array.from({ length: 20 }, call)
    await turn()
    clients[0]?.enter('end')
    for (let later = 0; later < 20; later++) {
      running.push(call())
      await Promise.resolve()
    }
    expect(new Set(await Promise.all(running))).toEqual(new Set(['ready']))
    expect(clients.length).toBe(3)
    await connection.close()
    expect(clients[2]?.closed).toBe(true)
  })

  it('does not replace a client that is not its own', async () => {
    const { client, connection } = setup({ owned: false })
    client.status = 'end'
    await expect(connection.run('claim', async () => 1)).rejects.toMatchObject({ code: 'ERR_CLOSED', retryable: false })
    await connection.close()
    expect(client.closed).toBe(false)
  })

  it('lets running calls end before it closes the client, and ends waiting ones', async () => {
    const { client, connection } = setup()
    client.status = 'ready'
    const order: string[] = []
    let answer = (): void => {}
    const running = connection.run('claim', () => new Promise<void>((resolve) => (answer = resolve))).then(() => order.push('answered'))
    await turn()
    client.status = 'reconnecting'
    const waiting = connection.run('claim', async () => 1)
    await turn()
    const closing = connection.close().then(() => order.push('closed'))
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(client.closed).toBe(false)
    answer()
    await Promise.all([running, closing])
    expect([order, client.closed]).toEqual([['answered', 'closed'], true])
  })
})
