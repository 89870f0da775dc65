import { expect, it } from 'vitest'
import { createBroker, queue } from '@busbar/core'
import { amqp } from '@busbar/amqp'
import { isBrokerError, type Clock, type LinkHealth, type Timer } from '@busbar/core/driver'
import { startProxy } from '../brokers/index.ts'
import type { RabbitmqBed } from '../brokers/index.ts'
import { freshVhost, onEachRabbitmq } from './support/beds.ts'
import { until } from './support/intake.ts'
import { endpointOf, errorOf, messageOf, never, services, TestLink } from './support/link.ts'

/** Longer than a refusal may be a broker that is still starting. */
const believedMs = 31_000

/** A clock that the test can put forward. */
class ForwardClock implements Clock {
  #aheadMs = 0
  readonly now = (): number => services.clock.now()
  readonly monotonic = (): number => services.clock.monotonic() + this.#aheadMs
  readonly timer = (atMs: number, wake: () => void): Timer => services.clock.timer(atMs - this.#aheadMs, wake)
  readonly external = <T>(operation: Promise<T>): Promise<T> => operation

  forward(ms: number): void {
    this.#aheadMs += ms
  }
}

/** What the management interface is asked for. */
async function manage(bed: RabbitmqBed, method: string, path: string, body?: unknown): Promise<void> {
  const url = new URL(`/api/${path}`, bed.managementUrl)
  url.username = ''
  url.password = ''
  const authorization = `Basic ${Buffer.from(`${new URL(bed.url).username}:${new URL(bed.url).password}`).toString('base64')}`
  const response = await fetch(url, { method, headers: { authorization, 'content-type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}) })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`)
}

/** The URL of a fresh vhost for a user who can be taken away. */
async function forUser(bed: RabbitmqBed, user: string): Promise<string> {
  const url = new URL(await freshVhost(bed))
  await manage(bed, 'PUT', `users/${user}`, { password: 'p', tags: '' })
  await manage(bed, 'PUT', `permissions/${url.pathname.slice(1)}/${user}`, { configure: '.*', write: '.*', read: '.*' })
  url.username = user
  url.password = 'p'
  return url.href
}

function isRefused(health: LinkHealth): boolean {
  return health.state !== 'connected' && isBrokerError(health.error) && health.error.code === 'ERR_ACCESS_DENIED'
}

await onEachRabbitmq({}, (bed) => {
  const fast = { reconnectMaxMs: 200 }

  it('is what sends end with at once, when the user is taken away while the program runs and the broker means it', async () => {
    const url = await forUser(bed, 'leaving')
    await using proxy = await startProxy(Number(new URL(url).port))
    const clock = new ForwardClock()
    await using link = await TestLink.open(proxy.through(url), fast, { ...services, clock })
    const orders = endpointOf('orders')
    await link.provision(orders)
    const sender = link.sender(orders)
    expect(await sender.send([messageOf('before')], never)).toEqual([{ ok: true }])
    await manage(bed, 'DELETE', 'users/leaving')
    proxy.cut()
    await until('the refusal', () => isRefused(link.link.health()))
    // It may be a broker that is still starting.
    expect(sender.writable).toBe(false)
    const writable = new Promise<void>((resolve) => (sender.onWritable = resolve))
    clock.forward(believedMs)
    await writable
    expect(sender.writable).toBe(true)
    expect(await sender.send([messageOf('after')], never)).toMatchObject([
      { ok: false, stored: 'no', error: { code: 'ERR_ACCESS_DENIED', retryable: false, driver: 'amqp' } },
    ])
  })

  it('is waited for by a consumer that may not subscribe again, and ends it when the broker means it', async () => {
    const url = await forUser(bed, 'reader')
    const permissions = (read: string): Promise<void> =>
      manage(bed, 'PUT', `permissions/${new URL(url).pathname.slice(1)}/reader`, { configure: '.*', write: '.*', read })
    await using proxy = await startProxy(Number(new URL(url).port))
    const clock = new ForwardClock()
    await using link = await TestLink.open(proxy.through(url), fast, { ...services, clock })
    const orders = endpointOf('orders')
    await link.provision(orders)
    const sender = link.sender(orders)
    const { receiver, intake } = await link.receive(orders)
    for (const id of ['first', 'second']) {
      intake.failures.splice(0)
      await permissions('none')
      proxy.cut()
      await until('the denial', () => intake.failures.some(({ error }) => error.code === 'ERR_ACCESS_DENIED'))
      expect(intake.failures.some(({ fatal }) => fatal)).toBe(false)
      await permissions('.*')
      await until('the sender', () => sender.writable)
      expect(await sender.send([messageOf(id)], never)).toEqual([{ ok: true }])
      await until('the message', () => intake.bodies.includes(id))
      // What is over does not count.
      clock.forward(believedMs)
    }
    intake.failures.splice(0)
    await permissions('none')
    proxy.cut()
    await until('the denial', () => intake.failures.some(({ error }) => error.code === 'ERR_ACCESS_DENIED'))
    proxy.refuse(true)
    proxy.cut()
    await until('the loss', () => !sender.writable)
    clock.forward(believedMs)
    intake.failures.splice(0)
    proxy.refuse(false)
    // The broker may have been started again meanwhile.
    await until('the denial', () => intake.failures.some(({ error }) => error.code === 'ERR_ACCESS_DENIED'))
    expect(intake.failures.some(({ fatal }) => fatal)).toBe(false)
    clock.forward(believedMs)
    await until('the end', () => intake.failures.some(({ error, fatal }) => fatal && error.code === 'ERR_ACCESS_DENIED'))
    await receiver.handBack()
  })

  it('is what a producer rejects with, those that waited included', async () => {
    const url = await forUser(bed, 'gone')
    await using proxy = await startProxy(Number(new URL(url).port))
    const clock = new ForwardClock()
    const orders = queue<string>('orders')
    await using broker = createBroker({
      driver: amqp({ url: proxy.through(url), ...fast }),
      destinations: [orders],
      provision: 'create',
      clock,
      log: () => undefined,
    })
    const producer = broker.producer(orders)
    await producer.send('before')
    await manage(bed, 'DELETE', 'users/gone')
    proxy.cut()
    await until('the refusal', async () => (await broker.health()).links.some(isRefused))
    const waiting = errorOf(producer.send('while it may be starting', { timeoutMs: 10 * believedMs }))
    clock.forward(believedMs)
    expect(await waiting).toMatchObject({ code: 'ERR_ACCESS_DENIED', retryable: false })
    expect(await errorOf(producer.send('after'))).toMatchObject({ code: 'ERR_ACCESS_DENIED', retryable: false })
  })
})
